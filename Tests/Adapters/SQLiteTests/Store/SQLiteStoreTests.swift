import Foundation
import Model
import PartitionCore
import SQLite
import Ports
import Synchronization
import Testing
import TestSupport

/// A data folder with a store, to be opened again and again.
private struct StoreFixture {
  let temporary: TemporaryFolder
  var path: String { temporary.path + "/data" }
  var storePath: String { path + "/store.sqlite" }

  init() throws { temporary = try TemporaryFolder() }

  func open(_ change: (inout SQLiteStore.Options) -> Void = { _ in }) throws -> SQLiteStore {
    var options = SQLiteStore.Options()
    change(&options)
    return try SQLiteStore(
      folder: DataFolder(path: path, partitionCount: 4, files: [StoreFile.file]), options: options)
  }
}

/// What completions were called with.
private final class Answers<Value: Sendable>: Sendable {
  private let results = Mutex<[Result<Value, StoreFailure>]>([])
  func add(_ result: Result<Value, StoreFailure>) { results.withLock { $0.append(result) } }
  var all: [Result<Value, StoreFailure>] { results.withLock { $0 } }

  func one() throws -> Value {
    guard eventually({ !all.isEmpty }) else { throw StoreFailure(.closed, "no answer in time") }
    return try all[0].get()
  }
}

extension SQLiteStore {
  fileprivate func writeNow(_ batch: CheckpointBatch, epoch: UInt64) throws {
    let answers = Answers<Void>()
    write(batch, epoch: epoch) { answers.add($0) }
    try answers.one()
  }

  fileprivate func loadNow(_ keys: [EntityKey], epoch: UInt64) throws -> [Entity?] {
    let answers = Answers<[EntityChange]>()
    load(keys, of: stock, epoch: epoch) { answers.add($0) }
    return try answers.one().map(\.value)
  }
}

private func batch(
  _ offset: Int64, _ changes: [(EntityKey, Entity?)], of partition: PartitionID = stock
) -> CheckpointBatch {
  CheckpointBatch(
    header: CheckpointHeader(
      partition: partition, offset: offset, now: Timestamp(milliseconds: offset), rulesVersion: 1, dedup: [],
      ledger: Ledger()),
    changes: changes.map { EntityChange(key: $0.0, value: $0.1) })
}

private func item(_ id: String) -> EntityKey { .item(ItemID(unchecked: id)) }
private func units(_ count: Int64) -> Entity {
  .item(Item(price: .zero, available: Quantity(unchecked: count), received: Quantity(unchecked: count)))
}

@Suite struct SQLiteStoreTests {
  @Test func keepsWhatItWroteAndRaisesTheEpochAtEachStart() throws {
    let fixture = try StoreFixture()
    for start in UInt64(1)...3 {
      let store = try fixture.open()
      let ownership = try store.acquire(stock)
      #expect(ownership.epoch == start)
      #expect(ownership.recovery.header?.offset == (start == 1 ? nil : Int64(start) - 1))
      try store.writeNow(batch(Int64(start), [(item("\(start)"), units(Int64(start)))]), epoch: start)
      #expect(try store.loadNow([item("1"), item("\(start)")], epoch: start) == [units(1), units(Int64(start))])
      store.close()
    }
  }

  /// Loads never see half a batch, and see every batch that had completed when they were asked for.
  @Test func loadsSeeWholeBatches() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open { $0.readerCount = 2 }
    let epoch = try store.acquire(stock).epoch
    let keys = (0..<50).map { item("\($0)") }
    let written = Atomic<Int64>(0)
    let loads = Answers<[EntityChange]>()
    let bounds = Mutex<[Int64]>([])
    for round in Int64(1)...40 {
      let isWritten = Answers<Void>()
      store.write(batch(round, keys.map { ($0, units(round)) }), epoch: epoch) { result in
        written.store(round, ordering: .releasing)
        isWritten.add(result)
      }
      for _ in 0..<3 {
        bounds.withLock { $0.append(written.load(ordering: .acquiring)) }
        let count = loads.all.count
        store.load(keys, of: stock, epoch: epoch) { loads.add($0) }
        #expect(eventually { loads.all.count > count })
      }
      try isWritten.one()
    }
    for (result, bound) in zip(loads.all, bounds.withLock { $0 }) {
      let values = try Set(result.get().map(\.value))
      #expect(values.count == 1)
      guard case .item(let seen)? = values.first ?? nil else {
        #expect(bound == 0)
        continue
      }
      #expect(seen.available.value >= bound)
    }
    store.close()
  }

  /// A checkpoint that was held up behind a newer one changes nothing; the same offset again is what a retry writes.
  @Test func anOlderCheckpointNeverOverwritesANewerOne() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    let other = PartitionID(.stock, 2)
    let otherEpoch = try store.acquire(other).epoch
    let newer = batch(5, [(item("a"), units(5)), (item("b"), nil)])
    try store.writeNow(newer, epoch: epoch)
    let older = batch(4, [(item("a"), units(4)), (item("b"), units(4)), (item("c"), units(4))])
    // In one transaction with another partition's, which is written.
    let (late, beside) = (Answers<Void>(), Answers<Void>())
    store.write(older, epoch: epoch) { late.add($0) }
    store.write(batch(1, [(item("a"), units(1))], of: other), epoch: otherEpoch) { beside.add($0) }
    try beside.one()
    #expect { try late.one() } throws: { ($0 as? StoreFailure)?.message.contains("through offset 5") == true }
    #expect(try store.loadNow([item("a"), item("b"), item("c")], epoch: epoch) == [units(5), nil, nil])
    try store.writeNow(newer, epoch: epoch)
    #expect(try store.acquire(stock).recovery.header?.offset == 5)
    store.close()
  }

  @Test func aFullDiskUndoesTheBatchAndTheNextOneMaySucceed() throws {
    FileFaults.install()
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    for fault in [FileFaults.Fault.full, .error] {
      FileFaults.set(fault, of: .write, on: fixture.storePath + "-wal")
      #expect { try store.writeNow(batch(2, [(item("a"), units(2)), (item("b"), units(2))]), epoch: epoch) } throws: {
        let failure = $0 as? StoreFailure
        return failure?.code == .write && failure?.message.contains(fixture.storePath) == true
      }
      #expect(try store.loadNow([item("a"), item("b")], epoch: epoch) == [units(1), nil], "reads go on")
    }
    FileFaults.set(nil, of: .write, on: fixture.storePath + "-wal")
    try store.writeNow(batch(3, [(item("a"), units(3))]), epoch: epoch)
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(3)])
    #expect(try store.acquire(stock).recovery.header?.offset == 3)
    store.close()
  }

  @Test func afterAFailedSyncTheFileIsNotTrusted() throws {
    FileFaults.install()
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    FileFaults.set(.error, of: .sync, on: fixture.storePath + "-wal")
    #expect(throws: StoreFailure.self) { try store.writeNow(batch(2, [(item("a"), units(2))]), epoch: epoch) }
    FileFaults.set(nil, of: .sync, on: fixture.storePath + "-wal")
    #expect(throws: StoreFailure.self) { try store.writeNow(batch(3, [(item("a"), units(3))]), epoch: epoch) }
    #expect(throws: StoreFailure.self) { try store.loadNow([item("a")], epoch: epoch) }
    #expect(throws: StoreFailure.self) { try store.acquire(stock) }
    store.close()
    let again = try fixture.open()
    let ownership = try again.acquire(stock)
    #expect(ownership.recovery.header?.offset ?? -1 >= 1, "what was acknowledged is there")
    again.close()
  }

  @Test(arguments: [
    ("UPDATE entities SET body = x'ff'", "row a"), ("UPDATE checkpoints SET header = x'ff'", "checkpoint"),
  ])
  func namesWhatIsDamaged(_ damage: String, _ word: String) throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    store.close()
    try Database(path: fixture.storePath, mode: .readWrite).execute(damage)
    let again = try fixture.open()
    #expect {
      let epoch = try again.acquire(stock).epoch
      _ = try again.loadNow([item("a")], epoch: epoch)
    } throws: { error in
      let failure = error as? StoreFailure
      return failure?.code == .format && failure?.message.contains(fixture.storePath) == true
        && failure?.message.contains(word) == true && failure?.message.contains("stock-1") == true
    }
    #expect(try again.acquire(PartitionID(.stock, 2)).epoch == 1, "the other partitions go on")
    again.close()
  }

  @Test func toolsReadEveryEntityInOrder() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    let changes = (0..<2_500).map { (item("\($0)"), units(Int64($0)) as Entity?) }
    try store.writeNow(batch(5, changes + [(.user(UserID(unchecked: "u")), .user(User()))]), epoch: epoch)
    let reader = try SQLiteStoreReader(path: fixture.path)
    #expect(try reader.headers().map(\.offset) == [5])
    var seen: [EntityKey] = []
    try reader.forEachEntity(of: stock) { key, _ in seen.append(key) }
    let expected = (0..<2_500).map { "\($0)" }.sorted().map { item($0) } + [.user(UserID(unchecked: "u"))]
    #expect(seen == expected)
    #expect(try reader.entity(item("77"), of: stock) == units(77))
    #expect(try reader.entity(item("nothing"), of: stock) == nil)
    store.close()
  }

  @Test func boundsTheWriteAheadLog() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open { $0.checkpointPagesDue = 20 }
    let epoch = try store.acquire(stock).epoch
    for round in Int64(0)..<100 {
      try store.writeNow(batch(round, (0..<100).map { (item("\(round)-\($0)"), units(1)) }), epoch: epoch)
    }
    let size = try FileManager.default.attributesOfItem(atPath: fixture.storePath + "-wal")[.size] as? Int
    #expect(try #require(size) < 400 * 4_200)
    store.close()
  }

  // MARK: Totals

  /// Changed, deleted, created and deleted, twice in one batch, and expired: in any order.
  @Test func countsWhatItWrites() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open { $0.expiredRowsMax = 3 }
    let epoch = try store.acquire(stock).epoch
    let reader = try SQLiteStoreReader(path: fixture.path)
    #expect(try reader.totals(of: stock).kept == nil)
    var random = SystemRandomNumberGenerator()
    for round in Int64(0)..<60 {
      var changes: [(EntityKey, Entity?)] = (0..<20).map { _ in
        (item("\(Int.random(in: 0..<30, using: &random))"), Bool.random(using: &random) ? units(round) : nil)
      }
      let expiry = Timestamp(milliseconds: round + Int64.random(in: -2..<9, using: &random))
      changes.append((.idempotency(IdempotencyKey(unchecked: "k\(round)")), key(expiry)))
      try store.writeNow(batch(round, changes), epoch: epoch)
      let totals = try reader.totals(of: stock)
      #expect(totals.kept == totals.found, "round \(round)")
    }
    store.close()
  }

  private func key(_ expiry: Timestamp) -> Entity {
    .idempotency(IdempotencyRecord(fingerprint: 1, outcome: nil, expiry: expiry))
  }

  @Test func countsWhatAnEarlierVersionLeft() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1)), (item("b"), units(2))]), epoch: epoch)
    let reader = try SQLiteStoreReader(path: fixture.path)
    let before = try reader.totals(of: stock)
    // offset 1, without totals
    try StoreFile.file.open(in: fixture.path, mode: .readWrite).execute(
      "UPDATE checkpoints SET header = x'0a04080210011002180120013200'")
    #expect(try reader.totals(of: stock).kept == nil)
    try store.writeNow(batch(2, [(item("c"), units(3))]), epoch: epoch)
    let after = try reader.totals(of: stock)
    #expect(after.kept == after.found && after.found != before.found)
    try StoreFile.file.open(in: fixture.path, mode: .readWrite).execute("DELETE FROM entities WHERE key = 'a'")
    let lost = try reader.totals(of: stock)
    #expect(lost.kept == after.kept && lost.kept != lost.found)
    store.close()
  }
}
