import Ports
import Model
import PartitionCore
import SQLite
import Streams
import TestSupport
import Testing

@Suite struct TrimTests {
  @Test func anEmptyLogKeepsCounting() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { $0.retention = .recordsMin(0) }
    try log.write([append(orders, 1), append(stock, 2), append(orders, 3)])
    log.trim(orders, through: 1)
    log.trim(stock, through: 0)
    #expect(eventually { (try? fixture.readAll().isEmpty) == true })
    log.close()
    let again = try fixture.open { $0.retention = .recordsMin(0) }
    #expect(again.durable == 3)
    try again.write([append(orders, 4), append(stock, 5), append(payments, 6)])
    #expect(try fixture.readAll().map(\.text) == ["orders-0@2#4", "stock-1@1#5", "payments-3@0#6"])
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(try reader.offsets(of: orders) == 2..<3)
    #expect(try reader.offsets(of: PartitionID(.orders, 9)) == nil)
    again.close()
  }

  @Test func findsTheNewestTimeAfterAnOffset() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { $0.retention = .keepAll }
    func append(_ partition: PartitionID, at time: Int64) -> RecordAppend {
      let turn = TurnRecord(
        owner: OwnerID(epoch: 1, run: 7), number: 1, time: Timestamp(milliseconds: time), entries: [])
      return RecordAppend(partition: partition, record: .turn(turn))
    }
    let owner = try #require(Owner(epoch: 1, incarnation: 7, address: "here"))
    try log.write([
      append(orders, at: 900), append(stock, at: 7), append(orders, at: 300), append(stock, at: 6),
      RecordAppend(partition: payments, record: .owned(owner)),
    ])
    let reader = try SQLiteLogReader(path: fixture.path)
    func times(_ offsets: [PartitionID: Int64]) throws -> [PartitionID: Int64] {
      try reader.newestTimes(after: offsets).mapValues(\.milliseconds)
    }
    #expect(try times([:]) == [orders: 900, stock: 7])
    #expect(try times([orders: 0]) == [orders: 300, stock: 7])
    #expect(try times([orders: 1, stock: 0]) == [stock: 6])
    #expect(try times([orders: 1, stock: 1]).isEmpty)
    log.close()
  }

  @Test func refusesToReadWhatWasTrimmed() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .recordsMin(0)
      options.segmentRecordsMax = 4
    }
    for round in UInt64(0)..<5 { try log.write((1...4).map { append(orders, round * 4 + $0) }) }
    log.trim(orders, through: 9)
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(log.hasBegun(orders, with: 8))
    #expect(try reader.offsets(of: orders) == 8..<20)
    #expect {
      try log.read([orders: 7], by: 0)
    } throws: { error in
      let failure = error as? LogFailure
      return failure?.code == .trimmed && failure?.message.contains(fixture.logPath) == true
        && failure?.message.contains("offset 8") == true
    }
    #expect(try reader.record(at: 7, of: orders) == nil && reader.record(at: 8, of: orders) != nil)
    try log.read([orders: 8], by: 0)
    #expect(
      log.readEvents(1).map(\.text) == (8..<20).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 20"])
    log.close()
  }

  /// The beginning stays where it was moved, also for a process that starts later.
  @Test func beginsWhereItWasTrimmedAfterAnotherStart() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .recordsMin(0)
      options.segmentRecordsMax = 4
      options.trimRecordsMax = 1
    }
    for round in UInt64(0)..<5 { try log.write((1...4).map { append(orders, round * 4 + $0) }) }
    log.trim(orders, through: 13)
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(eventually { (try? reader.offsets(of: orders)) == 12..<20 })
    log.close()
    let again = try fixture.open { $0.retention = .recordsMin(0) }
    #expect(throws: LogFailure.self) { try again.read([orders: 11], by: 0) }
    try again.read([orders: 12], by: 0)
    #expect(again.readEvents(1).count == 9)
    again.close()
  }

  @Test func deletesInBoundedStepsUpToTheRetention() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .recordsMin(100)
      options.segmentRecordsMax = 50
      options.trimRecordsMax = 10
    }
    for round in UInt64(0)..<40 { try log.write((1...10).map { append(orders, round * 10 + $0) }) }
    log.trim(orders, through: 399)
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(eventually { (try? reader.offsets(of: orders)) == 300..<400 })
    log.close()
    #expect(try fixture.readAll().map(\.offset) == (300..<400).map { $0 })
  }

  @Test func keepsWhatAnotherPartitionNeeds() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .recordsMin(0)
      options.segmentRecordsMax = 4
    }
    for round in UInt64(1)...4 { try log.write([append(stock, round)] + (1...3).map { append(orders, $0) }) }
    log.trim(orders, through: 11)
    log.trim(stock, through: 1)
    let reader = try SQLiteLogReader(path: fixture.path)
    #expect(eventually { (try? reader.offsets(of: stock)) == 2..<4 })
    #expect(try reader.offsets(of: orders) == 6..<12)
    log.close()
  }

  @Test func keepsEverythingWhenAsked() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.retention = .keepAll
      options.segmentRecordsMax = 4
    }
    for round in UInt64(0)..<5 { try log.write((1...4).map { append(orders, round * 4 + $0) }) }
    log.trim(orders, through: 19)
    log.close()
    #expect(try fixture.readAll().count == 20)
  }
}
