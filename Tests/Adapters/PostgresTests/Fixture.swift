import Foundation
import Model
import PartitionCore
import Ports
import Streams
import Synchronization
import TestSupport

@testable import Postgres

/// A database of its own on a server, the shared one unless it has to be crashed.
struct Fixture {
  let server: PostgresServer
  let database: String
  /// What stores are opened with.
  var clock: PostgresStore.ClockQuestion?

  init(_ server: PostgresServer? = nil, _ options: String = "") throws {
    self.server = try server ?? PostgresServer.shared()
    database = try self.server.makeDatabase(options)
  }

  var connection: String { server.connection(to: database) }

  func open(
    _ service: Service = .stock, cluster: String = "test", partitions: Int = 4, via connection: String? = nil,
    _ change: (inout PostgresOptions) -> Void = { _ in }
  ) throws -> PostgresStore {
    var options = PostgresOptions()
    options.backoffMillisecondsMin = 5
    options.backoffMillisecondsMax = 50
    options.acquireWaitMilliseconds = 60_000
    change(&options)
    return try PostgresStore(
      connection ?? self.connection, service: service,
      identity: PostgresIdentity(cluster: cluster, partitionCount: partitions), options: options,
      clock: clock)
  }

  /// A string for a store that reaches the server through a proxy.
  func connection(through proxy: CuttingProxy) -> String {
    "host=127.0.0.1 port=\(proxy.port) user=\(PostgresServer.role) dbname=\(database)"
  }

  /// Writes the first batch while another connection holds its partition's row, so that it has to wait, and the others
  /// behind it, so that they share a transaction.
  func writeGrouped(_ batches: [CheckpointBatch], _ epochs: [UInt64], to store: PostgresStore) throws -> [Answer<Void>]
  {
    let other = try Connection(try ConnectionString(connection), PostgresOptions())
    try other.perform { other throws(PostgresFailure) in
      try other.send(text: "BEGIN")
      let index = batches[0].header.partition.index
      try other.send(text: "SELECT FROM kassa.checkpoints WHERE partition = \(index) FOR UPDATE")
    }
    var answers: [Answer<Void>] = []
    for (place, batch) in batches.enumerated() {
      answers.append(store.startWrite(batch, epoch: epochs[place]))
      guard eventually({ store.counters.queuedWrites == place }) else { throw StoreFailure(.write, "nothing waits") }
    }
    try other.perform { other throws(PostgresFailure) in try other.send(text: "ROLLBACK") }
    return answers
  }

  @discardableResult
  func sql(_ text: String) throws -> String { try server.sql(text, in: database) }
}

let stock = PartitionID(.stock, 1)

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
  func startWrite(_ batch: CheckpointBatch, epoch: UInt64) -> Answer<Void> {
    let answer = Answer<Void>()
    write(batch, epoch: epoch) { answer.set($0) }
    return answer
  }

  func writeNow(_ batch: CheckpointBatch, epoch: UInt64) throws { try startWrite(batch, epoch: epoch).get() }

  func startLoad(_ keys: [EntityKey], of partition: PartitionID = stock, epoch: UInt64) -> Answer<[EntityChange]> {
    let answer = Answer<[EntityChange]>()
    load(keys, of: partition, epoch: epoch) { answer.set($0) }
    return answer
  }

  func loadNow(_ keys: [EntityKey], of partition: PartitionID = stock, epoch: UInt64) throws -> [Entity?] {
    try startLoad(keys, of: partition, epoch: epoch).get().map(\.value)
  }
}

/// - Parameter number: the newest record's; 0 in a log whose records have none.
func batch(
  _ offset: Int64, _ changes: [(EntityKey, Entity?)], of partition: PartitionID = stock, number: UInt64 = 0
) -> CheckpointBatch {
  CheckpointBatch(
    header: CheckpointHeader(
      partition: partition, owner: number > 0 ? OwnerID(epoch: 1, run: 1) : nil, number: number, offset: offset,
      now: Timestamp(milliseconds: max(0, offset)), rulesVersion: 1, dedup: [], ledger: Ledger()),
    changes: changes.map { EntityChange(key: $0.0, value: $0.1) })
}

func item(_ id: String) -> EntityKey { .item(ItemID(unchecked: id)) }
func units(_ count: Int64) -> Entity {
  .item(Item(price: .zero, available: Quantity(unchecked: count), received: Quantity(unchecked: count)))
}

/// The code and message of a failure.
func failure(_ body: () throws -> Void) -> StoreFailure? {
  do {
    try body()
    return nil
  } catch {
    return error as? StoreFailure
  }
}
