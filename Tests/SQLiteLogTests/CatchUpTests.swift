import EventLog
import Model
import SQLiteFolder
import SQLiteLog
import Testing
import TestSupport
import Threads

@Suite struct CatchUpTests {
  /// A subscriber that begins in the middle of a stream of appends gets every record once, in order.
  @Test(arguments: [UInt64(1), 2, 3, 4, 5])
  func racesWithLiveAppends(_ seed: UInt64) throws {
    let fixture = try Fixture()
    let log = try fixture.open { options in
      options.limits.catchUpRecordsMax = 64
      options.segmentRecordsMax = 100
    }
    let last: Int64 = 999_999
    try log.write((0..<1_000).map { append($0 % 3 == 0 ? orders : stock, $0) })
    let appender = BackgroundThread("appender") {
      var random = SeededGenerator(seed: seed)
      var number: Int64 = 1_000
      while number < 4_000 {
        let count = Int64.random(in: 1...20, using: &random)
        let appends = (number..<number + count).map { append($0 % 3 == 0 ? orders : stock, $0) }
        number += count
        _ = try? log.append(appends, by: nil)
        log.flushHint(by: nil)
      }
      _ = try? log.append([append(orders, last), append(stock, last)], by: nil)
      log.flushHint(by: nil)
    }
    let owner = SignalOwner()
    try log.subscribe(owner, to: [orders: 99, stock: 199])
    var all: [Delivery] = []
    _ = eventually {
      all += log.takeDeliveries(of: owner, recordsMax: 50)
      log.flushHint(by: owner)
      return all.count { $0.number == last } == 2
    }
    appender?.join()
    for (partition, first) in [(orders, Int64(100)), (stock, 200)] {
      let own = all.filter { $0.partition == partition }
      #expect(own.map(\.offset) == (first..<first + Int64(own.count)).map { $0 }, "\(partition), seed \(seed)")
      #expect(own.last?.number == last, "\(partition), seed \(seed)")
    }
    log.close()
  }

  /// The reader waits for the owner: the inbox holds a bounded part of a long history.
  @Test func readsNoFurtherThanTheInboxHasRoom() throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.catchUpRecordsMax = 10 }
    try log.write((0..<500).map { append(orders, $0) })
    let owner = SignalOwner()
    try log.subscribe(owner, to: [orders: -1])
    var all: [Delivery] = []
    while all.count < 500 {
      owner.signal.wait()
      let part = log.takeDeliveries(of: owner, recordsMax: 1_000)
      #expect(part.count < 20)
      all += part
    }
    #expect(all.map(\.offset) == (0..<500).map { $0 })
    #expect(all.allSatisfy { $0.position == .zero }, "what is read from the file is durable")
    log.close()
  }

  @Test func handsOverBytesThatAreNoRecord() throws {
    let fixture = try Fixture()
    let log = try fixture.open()
    try log.write([append(orders, 1), append(orders, 2), append(orders, 3)])
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite)
      .execute("UPDATE records SET body = x'0affffffffffff' WHERE sequence = 2")
    let again = try fixture.open()
    let owner = SignalOwner()
    try again.subscribe(owner, to: [orders: -1])
    let deliveries = owner.collect(3, from: again)
    #expect(deliveries.map(\.text) == ["orders-0@0=1", "orders-0@1=?", "orders-0@2=3"])
    guard case .undecodable(let reason)? = deliveries.dropFirst().first?.content else {
      Issue.record("the damaged record was decoded")
      return
    }
    #expect(!reason.isEmpty)
    again.close()
    let folder = try fixture.folder()
    try Quarantine.replace(orders, offset: 1, reason: "damaged", in: folder)
    #expect(throws: LogFailure.self) { try Quarantine.replace(orders, offset: 9, reason: "", in: folder) }
    let read = try fixture.readAll()
    #expect(read.count == 3)
    guard case .record(let empty) = read[1].content else {
      Issue.record("the quarantined record is not decoded")
      return
    }
    #expect(empty.entries.isEmpty)
    let kept = try Database(path: fixture.logPath, mode: .readOnly)
      .integer("SELECT length(body) FROM quarantined WHERE offset = 1 AND reason = 'damaged'")
    #expect(kept == 7)
  }

  @Test(arguments: [
    "DELETE FROM records WHERE sequence = 12",
    "UPDATE records SET offset = 77 WHERE sequence = 12",
    "UPDATE records SET partition = 99999 WHERE sequence = 12",
  ])
  func stopsAtWhatDoesNotFollow(_ damage: String) throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.segmentRecordsMax = 10 }
    for round in Int64(0)..<4 { try log.write((0..<5).map { append(orders, round * 5 + $0) }) }
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite).execute(damage)
    let again = try fixture.open()
    let owner = SignalOwner()
    try again.subscribe(owner, to: [orders: -1])
    #expect(eventually { again.failure != nil })
    #expect(again.failure?.code == .format)
    #expect(again.failure?.message.contains(fixture.logPath) == true)
    #expect(again.takeDeliveries(of: owner, recordsMax: 100).allSatisfy { $0.offset < 11 })
    again.close()
  }

  @Test(arguments: [
    "DELETE FROM records WHERE sequence = 3", "UPDATE records SET offset = 77 WHERE sequence = 3", "DELETE FROM marks",
  ])
  func doesNotOpenWhatDoesNotFollowAtTheEnd(_ damage: String) throws {
    let fixture = try Fixture()
    let log = try fixture.open()
    try log.write((0..<5).map { append(orders, $0) })
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite).execute(damage)
    #expect { try fixture.open() } throws: { error in
      let failure = error as? LogFailure
      return failure?.code == .format && failure?.message.contains(fixture.logPath) == true
    }
  }
}
