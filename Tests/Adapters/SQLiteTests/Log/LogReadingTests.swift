import Ports
import Model
import PartitionCore
import SQLite
import TestSupport
import Testing
import Lanes

@Suite struct LogReadingTests {
  /// Two lanes read, each what it asked for, while a third appends: both get every record once, in order.
  @Test(arguments: [UInt64(1), 2, 3, 4, 5])
  func readsForSeveralLanesBesideAppends(_ seed: UInt64) throws {
    let fixture = try LogFixture()
    let lanes = [SignalLane(), SignalLane(), SignalLane()]
    let log = try fixture.open(lanes) { options in
      options.limits.catchUpRecordsMax = 64
      options.segmentRecordsMax = 100
    }
    try log.write((0..<1_000).map { append([orders, stock, payments][$0 % 3], UInt64($0) + 1) })
    let appender = BackgroundThread("appender") {
      var random = SeededGenerator(seed: seed)
      for number in UInt64(1)...500 {
        log.append([append(PartitionID(.orders, 2), number)], by: 2, expecting: [])
        if Int.random(in: 0..<4, using: &random) == 0 { log.turnEnded(by: 2) }
      }
      log.turnEnded(by: 2)
    }
    try log.read([orders: 100, PartitionID(.stock, 0): 0], by: 0)
    try log.read([stock: 0], by: 1)
    try log.read([payments: 333], by: 0)
    let other = BackgroundThread("lane 1") {
      var all: [ReadEvent] = []
      while all.last?.isEnd != true, lanes[1].signal.wait(milliseconds: 60_000) {
        all += log.takeRead(of: 1, eventsMax: 7)
      }
      #expect(all.map(\.text) == (0..<333).map { "stock-1@\($0)#\($0 * 3 + 2)" } + ["stock-1 ends 333"], "seed \(seed)")
    }
    let all = log.readEvents(3, eventsMax: 50).map(\.text)
    #expect(
      all.filter { $0.hasPrefix("orders-0") }
        == (100..<334).map { "orders-0@\($0)#\($0 * 3 + 1)" } + ["orders-0 ends 334"], "seed \(seed)")
    #expect(all.filter { $0.hasPrefix("stock") } == ["stock-0 ends 0"])
    #expect(all.filter { $0.hasPrefix("payments") } == ["payments-3 ends 333"])
    other?.join()
    appender?.join()
    log.close()
    #expect(try fixture.readAll().count == 1_500)
  }

  /// The reader waits for the lane: a bounded part of a long history is held, by records and by bytes.
  @Test(arguments: [(10, 1 << 20, 20), (1_000, 200, 30)])
  func readsNoFurtherThanTheLaneHasRoom(_ recordsMax: Int, _ bytesMax: Int, _ heldMax: Int) throws {
    let fixture = try LogFixture()
    let lane = SignalLane()
    let log = try fixture.open([lane]) { options in
      options.limits.catchUpRecordsMax = recordsMax
      options.limits.catchUpBytesMax = bytesMax
    }
    try log.write((1...500).map { append(orders, $0) })
    try log.read([orders: 0], by: 0)
    var all: [ReadEvent] = []
    while all.last?.isEnd != true {
      guard lane.signal.wait(milliseconds: 60_000) else {
        Issue.record("nobody woke the lane after \(all.count) events")
        break
      }
      let part = log.takeRead(of: 0, eventsMax: 1_000)
      #expect(part.count <= heldMax)
      all += part
    }
    #expect(all.map(\.text) == (0..<500).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 500"])
    log.close()
  }

  /// A lane that does not take holds nobody else up.
  @Test func aLaneThatDoesNotTakeHoldsUpNoOther() throws {
    let fixture = try LogFixture()
    let log = try fixture.open([SignalLane(), SignalLane()]) { $0.limits.catchUpRecordsMax = 10 }
    try log.write((1...200).map { append($0 % 2 == 0 ? orders : stock, $0) })
    try log.read([orders: 0], by: 0)
    try log.read([stock: 0], by: 1)
    #expect(log.readEvents(1, of: 1).count == 101)
    #expect(log.readEvents(1, of: 0).count == 101)
    log.close()
  }

  /// What nobody needs may be trimmed in the middle of a reading.
  @Test func continuesWhenWhatItPassesIsTrimmed() throws {
    let fixture = try LogFixture()
    let lane = SignalLane()
    let log = try fixture.open([lane]) { options in
      options.limits.catchUpRecordsMax = 10
      options.segmentRecordsMax = 10
      options.retention = .recordsMin(0)
    }
    try log.write((1...10).map { append(orders, $0) })
    for round in UInt64(0)..<10 { try log.write((1...10).map { append(stock, round * 10 + $0) }) }
    try log.write((11...15).map { append(orders, $0) })
    #expect(eventually { log.statistics.recordsPending == 0 })
    let wakes = lane.wakeCount
    // The first ten wait for the lane; the reader goes on when they are taken.
    try log.read([orders: 0], by: 0)
    #expect(eventually { lane.wakeCount > wakes })
    log.trim(orders, through: 9)
    log.trim(stock, through: 99)
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(eventually { (try? reader.offsets(of: stock)) == 100..<100 })
    #expect(log.readEvents(1).map(\.text) == (0..<15).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 15"])
    #expect(log.failure == nil)
    log.close()
  }

  @Test func reportsBytesThatAreNotARecord() throws {
    let fixture = try LogFixture()
    let log = try fixture.open()
    try log.write([append(orders, 1), append(orders, 2), append(orders, 3)])
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite)
      .execute("UPDATE records SET body = x'0affffffffffff' WHERE sequence = 2")
    let again = try fixture.open()
    try again.read([orders: 0], by: 0)
    let events = again.readEvents(1)
    #expect(events.map(\.text) == ["orders-0@0#1", "orders-0@1#?", "orders-0@2#3", "orders-0 ends 3"])
    guard case .undecodable(let reason, _, _)? = events.dropFirst().first else {
      Issue.record("the damaged record was decoded")
      return
    }
    #expect(!reason.isEmpty)
    #expect(again.failure == nil, "only its partition stops")
    again.close()
    let read = try fixture.readAll()
    #expect(read.map(\.text) == ["orders-0@0#1", "orders-0@1#?", "orders-0@2#3"])
  }

  @Test(arguments: [
    ("DELETE FROM records WHERE sequence = 12", "lacks offset 11 of orders-0"),
    ("DELETE FROM records WHERE sequence > 12", "lacks offset 12 of orders-0"),
    ("UPDATE records SET offset = 77 WHERE sequence = 12", "lacks offset 11 of orders-0"),
    ("UPDATE records SET partition = 99999 WHERE sequence = 12", "record 12 is of no partition"),
    ("UPDATE records SET partition = 4099 WHERE sequence = 12", "lacks offset 11 of orders-0"),
  ])
  func namesGapsAndDamage(_ damage: String, _ named: String) throws {
    let fixture = try LogFixture()
    let log = try fixture.open { $0.segmentRecordsMax = 10 }
    for round in UInt64(0)..<4 { try log.write((1...5).map { append(orders, round * 5 + $0) }) }
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite).execute(damage)
    let lane = SignalLane()
    let again = try fixture.open([lane])
    try again.read([orders: 0], by: 0)
    let events = again.readEvents(1)
    #expect(again.failure?.code == .format)
    #expect(again.failure?.message.contains(fixture.logPath) == true)
    #expect(again.failure?.message.contains(named) == true, "\(again.failure?.message ?? "")")
    #expect(eventually { lane.wakeCount > 0 }, "the lane is told")
    #expect(events.allSatisfy { !$0.isEnd } && events.count <= 12)
    again.close()
  }

  @Test(arguments: [
    "DELETE FROM records WHERE sequence = 3", "UPDATE records SET offset = 77 WHERE sequence = 3", "DELETE FROM marks",
  ])
  func doesNotOpenWhatDoesNotFollowAtTheEnd(_ damage: String) throws {
    let fixture = try LogFixture()
    let log = try fixture.open()
    try log.write((1...5).map { append(orders, $0) })
    log.close()
    try Database(path: fixture.logPath, mode: .readWrite).execute(damage)
    #expect { try fixture.open() } throws: { error in
      let failure = error as? LogFailure
      return failure?.code == .format && failure?.message.contains(fixture.logPath) == true
    }
  }

  /// What the server asks before it changes anything of the store; offsets are those of the newest record covered.
  @Test func saysWhyOwnersCannotContinue() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .recordsMin(0)
      options.segmentRecordsMax = 4
    }
    for round in UInt64(0)..<3 { try log.write((1...4).map { append(orders, round * 4 + $0) }) }
    log.trim(orders, through: 3)
    #expect(log.hasBegun(orders, with: 4))
    let cases: [(Int64, LogFailure.Code?)] = [
      (3, nil), (11, nil), (2, .trimmed), (-1, .trimmed), (.min, .trimmed), (12, .format), (.max, .format),
    ]
    for (offset, code) in cases {
      let refusal = log.refusal(after: [orders: offset, stock: -1])
      #expect(refusal?.code == code, "offset \(offset)")
      #expect(refusal?.message.contains(fixture.logPath) ?? true)
    }
    log.close()
  }
}
