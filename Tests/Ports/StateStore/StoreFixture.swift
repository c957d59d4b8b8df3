import Model
import PartitionCore
import Postgres
import SQLite
import Ports
import Synchronization
import TestSupport

/// The stores that have to keep the protocol.
enum StoreKind: String, CaseIterable, Sendable {
  case memory
  case sqlite
  case postgres
  /// Stock's partitions in a store of several.
  case services
}

/// A store of one kind with what it needs.
struct StoreFixture {
  let store: any StateStore
  /// Closes the store and opens what it wrote; one in memory goes on as it is.
  let reopen: () throws -> any StateStore

  /// - Parameter service: whose partitions a store of one service holds.
  init(_ kind: StoreKind, _ service: Service = .stock) throws {
    switch kind {
    case .memory:
      let memory = MemoryStore()
      store = memory
      reopen = { memory }
    case .services:
      let stores = ServiceStores([.stock: MemoryStore(), .orders: MemoryStore()])
      store = stores
      reopen = { stores }
    case .sqlite:
      let temporary = try TemporaryFolder()
      func open() throws -> SQLiteStore {
        try SQLiteStore(
          folder: DataFolder(path: temporary.path + "/data", partitionCount: 4, files: [StoreFile.file]))
      }
      let first = try open()
      store = first
      reopen = {
        first.close()
        return try open()
      }
    case .postgres:
      let server = try PostgresServer.shared()
      let database = try server.makeDatabase()
      func open() throws -> PostgresStore {
        // Small pages, so that a few rows are many of them.
        var options = PostgresOptions()
        options.batchRowsMax = 2
        return try PostgresStore(
          server.connection(to: database), service: service,
          identity: PostgresIdentity(cluster: "test", partitionCount: 4), options: options)
      }
      let first = try open()
      store = first
      reopen = {
        first.close()
        return try open()
      }
    }
  }
}

/// What a completion was called with.
final class Answer<Value: Sendable>: Sendable {
  private let results = Mutex<[Result<Value, StoreFailure>]>([])
  func set(_ result: Result<Value, StoreFailure>) { results.withLock { $0.append(result) } }
  var count: Int { results.withLock { $0.count } }

  func get() throws -> Value {
    guard eventually({ count > 0 }) else { throw StoreFailure(.closed, "no answer in time") }
    return try results.withLock { $0[0] }.get()
  }
}

extension StateStore {
  func loadNow(_ keys: [EntityKey], of partition: PartitionID, epoch: UInt64) throws -> [EntityChange] {
    let answer = Answer<[EntityChange]>()
    load(keys, of: partition, epoch: epoch) { answer.set($0) }
    return try answer.get()
  }

  func ordersNow(of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64) throws -> [StoredOrder] {
    let answer = Answer<[StoredOrder]>()
    orders(of: partition, after: after, limit: limit, epoch: epoch) { answer.set($0) }
    return try answer.get()
  }

  func writeNow(_ batch: CheckpointBatch, epoch: UInt64) throws {
    let answer = Answer<Void>()
    write(batch, epoch: epoch) { answer.set($0) }
    try answer.get()
  }
}

/// A checkpoint of `partition` up to `offset`, whose time is the offset in seconds.
func batch(_ partition: PartitionID, _ offset: Int64, _ changes: [(EntityKey, Entity?)]) -> CheckpointBatch {
  CheckpointBatch(
    header: CheckpointHeader(
      partition: partition, offset: offset, now: Timestamp(milliseconds: offset * 1_000), rulesVersion: 1,
      dedup: [
        DedupRow(source: PartitionID(.orders, 2), position: SourcePosition(offset: offset, index: 3))
      ], ledger: Ledger()),
    changes: changes.map { EntityChange(key: $0.0, value: $0.1) })
}

func item(_ id: String) -> EntityKey { .item(ItemID(unchecked: id)) }
func stockOf(_ units: Int64) -> Entity {
  .item(Item(price: Money(unchecked: 5), available: Quantity(unchecked: units), received: Quantity(unchecked: units)))
}
