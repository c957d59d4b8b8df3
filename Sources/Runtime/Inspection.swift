import Model
import PartitionCore

/// What the operator sees of one partition at one moment.
public struct PartitionReport: Hashable, Sendable {
  public enum Status: Hashable, Sendable {
    /// The log's records from before the start are being applied.
    case replaying
    case running
    /// Its newest load failed, and it cannot continue until one succeeds.
    case waitingForStore(reason: String)
    case stopped(offset: Int64, reason: String)
  }

  public let partition: PartitionID
  public let status: Status
  public let lane: Int
  public let epoch: UInt64
  /// The offset of the newest applied record; -1 before the first.
  public let appliedOffset: Int64
  /// The offset of the newest record in the store.
  public let checkpointedOffset: Int64
  /// Milliseconds since the store last had everything that was applied; 0 while it does.
  public let checkpointAgeMilliseconds: Int64
  /// Records that were delivered but not yet applied.
  public let queuedRecords: Int
  public let residentEntities: Int
  public let dirtyEntities: Int
  public let parkedCheckouts: Int
  /// Messages to other partitions that these have not made durable yet: many of them if one does not serve.
  public let unconfirmedMessages: Int
  public let recordsApplied: UInt64
  public let entriesApplied: UInt64
  public let dedupDrops: UInt64
  public let loads: UInt64
  public let checkpoints: UInt64
  public let checkpointsFailed: UInt64
  public let evictions: UInt64
  /// Milliseconds since the oldest record that the log has not confirmed was appended; 0 without one.
  public var appendAgeMilliseconds: Int64 = 0
  /// Orders that this owner has removed because they were old.
  public var ordersRemoved: UInt64 = 0
}

/// What the operator sees of the whole process.
public struct RuntimeReport: Hashable, Sendable {
  public enum Phase: String, Hashable, Sendable { case starting, running, stopping }
  public let phase: Phase
  public let partitions: [PartitionReport]
  /// What this process should own but does not own yet, by partition; empty where nobody else can own anything.
  public let pending: [PendingTakeover]
  /// Why the log accepts no more records; nil while it does.
  public let logFailure: String?
  /// Why the store fails until a new process opens it; nil while it works.
  public let storeFailure: String?
  public let requestsWaiting: Int
}

/// A partition to take over.
public struct PendingTakeover: Hashable, Sendable {
  public let partition: PartitionID
  /// Why the newest attempt failed, or why its owner's time here ended; nil if nothing went wrong.
  public let reason: String?

  public init(partition: PartitionID, reason: String?) {
    self.partition = partition
    self.reason = reason
  }
}

/// Reports the state of the process. May be called from any thread.
public protocol RuntimeInspection: AnyObject, Sendable {
  /// Why the process can never serve again, though a new one can: its log or its store has failed for good. nil while
  /// it can.
  var finalFailure: String? { get }
  /// Asks every lane for its partitions; the completion is called once, on any thread, after at most
  /// `timeoutMilliseconds`, with nil if a lane did not answer in time.
  func report(
    timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void)
}
