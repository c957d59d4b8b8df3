import Model
import PartitionCore

/// Keeps checkpoints: entities by key, and a header per partition, changed together or not at all.
///
/// Calls come from lanes and must not block: the work is done on the store's own threads, and the completion is called
/// on one of those, or before the call returns. Each completion is called exactly once. Writes of a partition keep the
/// order of their calls; a load sees every write that had completed when it was requested.
public protocol StateStore: AnyObject, Sendable {
  /// Makes the caller the owner of a partition: raises its epoch, and returns what recovery needs. Blocking.
  /// - Parameter floor: the highest epoch that the caller knows from elsewhere: the new one is higher. The store may be
  ///   older than the log.
  /// - Throws: `StoreFailure`.
  func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership

  /// Loads entities in the order of `keys`; those that do not exist have a nil value.
  func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void)

  /// Reads which orders the partition has, page by page: up to `limit` of those after `after`, ascending by their ids'
  /// bytes; from the first one if it is nil. Fewer than `limit` are the last ones.
  ///
  /// Like a load, it sees every write that had completed when it was requested. It waits until no loads do.
  /// - Parameter limit: 1...`StoredOrder.pageMax`.
  func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void)

  /// Writes a checkpoint in one transaction.
  ///
  /// Its messages and replies replace those in the store; if a message has the same destination and number, the store
  /// may keep its own. Idempotency records of the partition that expire no later than the header's time are deleted
  /// with it, or with later checkpoints if there are many. After a failure other than `fenced`, `setBack` and `closed`
  /// a new batch may be tried: nothing of the failed one was written.
  func write(
    _ batch: CheckpointBatch, epoch: UInt64,
    completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void)

  /// Why every call fails until a new process opens the store; nil if it works. Final once set.
  var failure: StoreFailure? { get }

  /// Finishes what was requested and ends. Blocking; not for a lane.
  func close()
}

extension StateStore {
  /// For use where nobody else knows epochs.
  public func acquire(_ partition: PartitionID) throws(StoreFailure) -> Ownership { try acquire(partition, above: 0) }

  /// A store that recovers by itself never fails for good.
  public var failure: StoreFailure? { nil }
}

/// What an owner gets with its partition.
public struct Ownership: Sendable {
  /// Part of every load and checkpoint; any but the newest is refused.
  public let epoch: UInt64
  public let recovery: Recovery

  public init(epoch: UInt64, recovery: Recovery) {
    self.epoch = epoch
    self.recovery = recovery
  }
}
