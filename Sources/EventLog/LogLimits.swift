/// The bounds of a log that commits in groups.
public struct LogLimits: Hashable, Sendable {
  /// Records that wait to be written; beyond it no new commands are taken.
  public var queuedRecordsMax = 65_536
  /// Bytes that wait to be written; beyond it no new commands are taken.
  public var queuedBytesMax = 64 << 20
  /// Waiting records with which a group is committed whatever is still being applied.
  public var groupRecordsDue = 256
  /// Waiting bytes with which a group is committed whatever is still being applied.
  public var groupBytesDue = 256 << 10
  /// Ends of turns after which a group is committed although somebody is expected to append: no lane's work, however
  /// long, keeps the others' records from the disk.
  public var groupHintsMax = 12
  /// Records of one step of reading. A step waits while so many are not taken.
  public var catchUpRecordsMax = 2_048
  /// Bytes of one step of reading; the record that crosses it is read whole. A step waits while so many are not taken.
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
