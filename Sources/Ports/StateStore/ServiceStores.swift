import Dispatch
import Model
import PartitionCore

/// The stores of a pod's services as one: each partition belongs to the store of its service.
public final class ServiceStores: StateStore {
  public let stores: [Service: any StateStore]

  /// - Parameter stores: requests for other services' partitions fail.
  public init(_ stores: [Service: any StateStore]) {
    self.stores = stores
  }

  /// - Throws: `StoreFailure`: the store's, or because the service has no store here.
  public func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    guard let store = stores[partition.service] else { throw missing(partition) }
    return try store.acquire(partition, above: floor)
  }

  public func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  ) {
    guard let store = stores[partition.service] else { return completion(.failure(missing(partition))) }
    store.load(keys, of: partition, epoch: epoch, completion: completion)
  }

  public func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  ) {
    guard let store = stores[partition.service] else { return completion(.failure(missing(partition))) }
    store.orders(of: partition, after: after, limit: limit, epoch: epoch, completion: completion)
  }

  public func write(
    _ batch: CheckpointBatch, epoch: UInt64,
    completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void
  ) {
    let partition = batch.header.partition
    guard let store = stores[partition.service] else { return completion(.failure(missing(partition))) }
    store.write(batch, epoch: epoch, completion: completion)
  }

  private func missing(_ partition: PartitionID) -> StoreFailure {
    StoreFailure(.format, "there is no store for \(partition): this pod does not own partitions of its service")
  }

  /// The first store's failure, in the order of the services.
  public var failure: StoreFailure? {
    Service.allCases.lazy.compactMap { self.stores[$0]?.failure }.first
  }

  /// Closes all at the same time: each may wait for an unreachable server.
  public func close() {
    let all = Array(stores.values)
    DispatchQueue.concurrentPerform(iterations: all.count) { all[$0].close() }
  }
}
