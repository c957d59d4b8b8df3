import Ports
import Model
import PartitionCore
import SQLite
import Streams
import TestSupport
import Testing

@Suite struct QuarantineTests {
  /// A message of a stream, told apart by its number.
  private func input(_ number: UInt64) -> LoggedInput {
    LoggedInput(
      origin: LoggedInput.Origin(source: .partition(stock), number: number), body: .skip(nil, .expired))
  }

  private func written() throws -> LogFixture {
    let fixture = try LogFixture()
    let log = try fixture.open()
    try log.write([append(orders, 1), append(orders, 2, [input(4), input(5), input(6)]), append(stock, 1)])
    log.close()
    return fixture
  }

  @Test func skipsTheEntryAndKeepsItsOrigin() throws {
    let fixture = try written()
    let before = try fixture.readAll()
    try Quarantine.replace(orders, offset: 1, entry: 1, reason: "cannot be applied", in: try fixture.folder())
    let after = try fixture.readAll()
    #expect(after.map(\.text) == before.map(\.text))
    guard case .record(.turn(let old)) = before[1].content, case .record(.turn(let new)) = after[1].content else {
      Issue.record("the record is none any more")
      return
    }
    let skipped = LoggedInput(origin: old.entries[1].origin, body: .skip(nil, .setAside))
    #expect(new.entries == [old.entries[0], skipped, old.entries[2]])
    #expect((new.owner, new.number, new.time) == (old.owner, old.number, old.time))
    #expect(new.controls == old.controls)
  }

  /// The bytes as they stood first are kept, with every reason.
  @Test func keepsTheBytesAndTheReasons() throws {
    let fixture = try written()
    let body = try Database(path: fixture.logPath, mode: .readOnly)
      .integer("SELECT length(body) FROM records WHERE sequence = 2")
    let folder = try fixture.folder()
    try Quarantine.replace(orders, offset: 1, entry: 2, reason: "first", in: folder)
    try Quarantine.replace(orders, offset: 1, entry: 0, reason: "second", in: folder)
    let kept = try SQLiteLogReader(path: fixture.path).quarantined(of: orders)
    #expect(kept.map(\.offset) == [1])
    #expect(kept.map(\.reason) == ["first\nsecond"])
    #expect(kept.first.map { Int64($0.bytes.count) } == body)
    #expect(try SQLiteLogReader(path: fixture.path).quarantined(of: stock).isEmpty)
    guard case .record(.turn(let turn)) = try fixture.readAll()[1].content else {
      Issue.record("the record is none any more")
      return
    }
    #expect(turn.entries.map(\.body) == [.skip(nil, .setAside), .skip(nil, .expired), .skip(nil, .setAside)])
    #expect(turn.entries.map { $0.origin?.number } == [4, 5, 6])
  }

  /// What is not there changes nothing, and the refusal says what is missing.
  @Test(arguments: [
    (orders, Int64(9), 0, "has no record at offset 9 of orders-0"),
    (stock, 1, 0, "has no record at offset 1 of stock-1"),
    (orders, 1, 3, "has no entry 3 at offset 1 of orders-0"),
    (orders, 1, -1, "has no entry -1 at offset 1 of orders-0"),
    (orders, 0, 0, "has no entry 0 at offset 0 of orders-0"),
  ])
  func refusesWhatDoesNotExist(_ partition: PartitionID, _ offset: Int64, _ entry: Int, _ reason: String) throws {
    let fixture = try written()
    let folder = try fixture.folder()
    #expect {
      try Quarantine.replace(partition, offset: offset, entry: entry, reason: "", in: folder)
    } throws: { error in
      let failure = error as? LogFailure
      return failure?.code == .trimmed && failure?.message == "\(fixture.logPath): \(reason)"
    }
    #expect(try SQLiteLogReader(path: fixture.path).quarantined(of: partition).isEmpty)
  }

  @Test func refusesBytesThatAreNotARecord() throws {
    let fixture = try written()
    try Database(path: fixture.logPath, mode: .readWrite)
      .execute("UPDATE records SET body = x'0affffffffffff' WHERE sequence = 2")
    let folder = try fixture.folder()
    #expect {
      try Quarantine.replace(orders, offset: 1, entry: 0, reason: "", in: folder)
    } throws: { error in
      let failure = error as? LogFailure
      return failure?.code == .format && failure?.message.contains("not a record") == true
        && failure?.message.contains("offset 1 of orders-0") == true
    }
    #expect(try SQLiteLogReader(path: fixture.path).quarantined(of: orders).isEmpty)
  }

  @Test func refusesAnAnnouncement() throws {
    let fixture = try LogFixture()
    let log = try fixture.open()
    let owner = try #require(Owner(epoch: 1, incarnation: 7, address: "here"))
    log.append([RecordAppend(partition: orders, record: .owned(owner))], by: 0, expecting: [])
    log.close()
    let folder = try fixture.folder()
    #expect(throws: LogFailure.self) {
      try Quarantine.replace(orders, offset: 0, entry: 0, reason: "", in: folder)
    }
  }
}
