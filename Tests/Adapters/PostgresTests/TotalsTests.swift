import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing
import Wire

/// What the checkpoints say that their partitions' rows add up to.
@Suite struct TotalsTests {
  /// Changed, deleted, created and deleted, twice in one batch, and expired: in any order, in statements of any size.
  @Test func countsWhatItWrites() throws {
    let fixture = try Fixture()
    let store = try fixture.open {
      $0.expiredRowsMax = 3
      $0.batchRowsMax = 7
    }
    let epoch = try store.acquire(stock).epoch
    let reader = try fixture.reader()
    #expect(try reader.totals(of: stock) == nil)
    var random = SystemRandomNumberGenerator()
    for round in Int64(0)..<40 {
      var changes: [(EntityKey, Entity?)] = (0..<20).map { _ in
        (item("\(Int.random(in: 0..<30, using: &random))"), Bool.random(using: &random) ? units(round) : nil)
      }
      let expiry = Timestamp(milliseconds: round + Int64.random(in: -2..<9, using: &random))
      let key = IdempotencyRecord(fingerprint: 1, outcome: nil, expiry: expiry)
      changes.append((.idempotency(IdempotencyKey(unchecked: "k\(round)")), .idempotency(key)))
      try store.writeNow(batch(round, changes), epoch: epoch)
      let totals = try #require(try reader.totals(of: stock))
      #expect(totals.kept == totals.found, "round \(round)")
    }
    #expect(store.counters.rowsExpired > 0 && store.counters.rowsDeleted > 0)
    store.close()
  }

  /// In one transaction with a partition that another owner has taken over.
  @Test func countsEachPartitionOfATransactionApart() throws {
    let fixture = try Fixture()
    let store = try fixture.open { $0.writerCount = 1 }
    let partitions = (UInt16(0)..<4).map { PartitionID(.stock, $0) }
    let epochs = try partitions.map { try store.acquire($0).epoch }
    for (place, partition) in partitions.enumerated() {
      try store.writeNow(batch(1, [(item("\(place)"), units(1))], of: partition), epoch: epochs[place])
    }
    let other = try fixture.open()
    _ = try other.acquire(partitions[2])
    let batches = partitions.enumerated().map { place, partition in
      batch(2, [(item("\(place)"), units(2)), (item("\(place)b"), units(2))], of: partition)
    }
    let answers = try fixture.writeGrouped(batches, epochs, to: store)
    #expect(answers.map { answer in failure { try answer.get() }?.code } == [nil, nil, .fenced, nil])
    #expect(store.counters.rowsWritten == 4 + 6)
    let reader = try fixture.reader()
    for (place, partition) in partitions.enumerated() {
      let totals = try #require(try reader.totals(of: partition))
      #expect(totals.kept == totals.found)
      #expect(totals.kept.description.hasPrefix(place == 2 ? "1 items" : "2 items"))
    }
    store.close()
    other.close()
  }
}

extension Fixture {
  /// Reads a few rows at a time.
  func reader() throws -> PostgresStoreReader {
    var options = PostgresOptions()
    options.batchRowsMax = 4
    return try PostgresStoreReader(connection, service: .stock, options: options)
  }
}
