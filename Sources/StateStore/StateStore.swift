import Model
import PartitionCore

/// Keeps checkpoints: entities by key, and a header for each partition, changed together or not at all.
///
/// Calls come from lanes and must not block: the work is done on the store's own threads, and the completion is called
/// on one of those, or before the call returns. Each completion is called exactly once. Writes of a partition keep
/// the order of their calls; a load sees every write that had completed when it was asked for.
public protocol StateStore: AnyObject, Sendable {
  /// Makes the caller the owner of a partition: raises its epoch, and returns what recovery needs. Blocking.
  /// - Parameter floor: the highest epoch that the caller knows of from elsewhere: the new one is higher. What the
  ///   store holds may be older than the log.
  /// - Throws: `StoreFailure`.
  func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership

  /// Loads entities; those that do not exist come back with a nil value, in the order of `keys`.
  func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void)

  /// Writes a checkpoint in one transaction.
  ///
  /// Its messages and replies take the place of those that the store has; of a message with the same destination and
  /// number the store may keep the one that it has. Idempotency records of the partition whose expiry is not after
  /// the header's time are deleted with it, or with later ones where there are many. After a failure other than
  /// `fenced`, `setBack` and `closed` a new batch may be tried: nothing of the failed one was written.
  func write(
    _ batch: CheckpointBatch, epoch: UInt64,
    completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void)

  /// Why every call fails until a new process opens the store, if so. Final once set.
  var failure: StoreFailure? { get }

  /// Finishes what was asked for and ends. Blocking; not for a lane.
  func close()
}

extension StateStore {
  /// Where nobody else knows of epochs.
  public func acquire(_ partition: PartitionID) throws(StoreFailure) -> Ownership { try acquire(partition, above: 0) }

  /// A store that comes back by itself never fails for good.
  public var failure: StoreFailure? { nil }
}

/// What an owner gets with its partition.
public struct Ownership: Sendable {
  /// Carried by every load and checkpoint; an older one than the newest is refused.
  public let epoch: UInt64
  public let recovery: Recovery

  public init(epoch: UInt64, recovery: Recovery) {
    self.epoch = epoch
    self.recovery = recovery
  }
}

/// What went wrong with a store.
public struct StoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// Somebody else has acquired the partition since.
    case fenced
    /// The store holds less than it acknowledged to this owner: it was restored, or failed over to a replica that
    /// lagged. The owner has to acquire the partition anew, from what is really there.
    case setBack
    case write
    case read
    /// A row is not what this program writes.
    case format
    case closed
    /// The clocks of the store and of this process are too far apart.
    case clock
  }

  public let code: Code
  /// A sentence for the operator that names the file or server.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
