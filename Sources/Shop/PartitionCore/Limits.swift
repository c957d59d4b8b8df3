/// The bounds of one partition's owner. Every queue, batch and table of the core is named here; none of them changes
/// what is decided: `RuleLimits` do.
public struct CoreLimits: Hashable, Sendable {
  /// Entries applied in one step of the loop, so that a lane's other partitions get their turn; the record that
  /// crosses it is finished.
  public var stepEntriesMax = 1_024
  /// Entries that were delivered but not applied; beyond this nothing more of the partition is read, if the log can
  /// wait.
  public var queuedEntriesMax = 65_536
  /// Keys asked for in one load.
  public var loadKeysMax = 2_048
  /// Reads that wait for a load.
  public var waitingReadsMax = 4_096
  /// Replies that a new owner holds back until its predecessor stops answering.
  public var heldRepliesMax = 65_536
  /// Resident entities beyond which clean ones are evicted.
  public var residentMax = 200_000
  /// Entities examined for eviction in one step.
  public var evictionScanMax = 256
  /// Dirty entities beyond which new commands are refused until checkpoints catch up.
  public var dirtyMax = 200_000
  /// Dirty entities beyond which a checkpoint is due at once.
  public var checkpointEntitiesDue = 20_000

  public init() {}

  /// Whether each bound is positive and each pair of bounds fits together; a sentence about the first that is not.
  public var contradiction: String? {
    if queuedEntriesMax < 1 || stepEntriesMax < 1 || loadKeysMax < 1 || waitingReadsMax < 1 || heldRepliesMax < 1
      || residentMax < 1 || evictionScanMax < 1 || dirtyMax < 1 || checkpointEntitiesDue < 1
    {
      return "every bound of a partition must be at least 1"
    }
    if checkpointEntitiesDue > dirtyMax {
      return "checkpointEntitiesDue (\(checkpointEntitiesDue)) must not exceed dirtyMax (\(dirtyMax))"
    }
    return nil
  }
}
