/// The bounds of a log that commits in groups.
public struct LogLimits: Hashable, Sendable {
  /// Records waiting to be written; beyond this no new commands are accepted.
  public var queuedRecordsMax = 65_536
  /// Bytes waiting to be written; beyond this no new commands are accepted.
  public var queuedBytesMax = 64 << 20
  /// Waiting records at which a group is committed, whatever is still being applied.
  public var groupRecordsDue = 256
  /// Waiting bytes at which a group is committed, whatever is still being applied.
  public var groupBytesDue = 256 << 10
  /// Ends of turns after which a group is committed even if a lane is expected to append: no lane's work, however long,
  /// keeps the others' records from the disk.
  public var groupHintsMax = 12
  /// Records per step of reading. A step waits while this many have not been taken.
  public var catchUpRecordsMax = 2_048
  /// Bytes per step of reading; the record that crosses this bound is read as a whole. A step waits while this many
  /// have not been taken.
  public var catchUpBytesMax = 1 << 20

  public init() {}

  /// A sentence about the first bound that is out of range or contradicts another.
  public var contradiction: String? {
    let all = [
      queuedRecordsMax, queuedBytesMax, groupRecordsDue, groupBytesDue, groupHintsMax, catchUpRecordsMax,
      catchUpBytesMax,
    ]
    if all.contains(where: { $0 < 1 }) { return "every bound of the log must be at least 1" }
    if groupRecordsDue > queuedRecordsMax {
      return "groupRecordsDue (\(groupRecordsDue)) must not exceed queuedRecordsMax (\(queuedRecordsMax))"
    }
    if groupBytesDue > queuedBytesMax {
      return "groupBytesDue (\(groupBytesDue)) must not exceed queuedBytesMax (\(queuedBytesMax))"
    }
    return nil
  }
}
