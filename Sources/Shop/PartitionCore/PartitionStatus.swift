/// Whether a partition continues.
public enum PartitionStatus: Hashable, Sendable {
  /// Can transition to: stopped, broken, superseded.
  case running
  /// Final: from the record at `offset` on the owner with this epoch, at least this one's, has the partition.
  case superseded(offset: Int64, by: UInt64)
  /// Final: the log lost what the partition sent, or can no longer deliver its records. It must be taken over
  /// again, from its newest checkpoint.
  case broken(offset: Int64, reason: String)
  /// The record at `offset` cannot be applied. Nothing is skipped silently: a restart, or the next owner, tries again.
  /// Can transition to: broken, superseded, where partitions change owners.
  case stopped(offset: Int64, reason: String)
}

/// What a partition has done since it got its owner.
public struct PartitionCounters: Hashable, Sendable {
  public var recordsApplied: UInt64 = 0
  public var entriesApplied: UInt64 = 0
  /// Messages dropped because they had been seen before.
  public var dedupDrops: UInt64 = 0
  public var loads: UInt64 = 0
  public var checkpoints: UInt64 = 0
  public var checkpointsFailed: UInt64 = 0
  public var evictions: UInt64 = 0
  /// Orders removed because they were old.
  public var ordersRemoved: UInt64 = 0

  public init() {}
}

/// What became of a read.
public enum ReadResult: Hashable, Sendable {
  /// The answer is in the effects.
  case answered
  /// The answer comes with a later event.
  case waiting
  /// The partition is stopped, or too many reads wait.
  case refused
}
