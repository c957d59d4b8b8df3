import Ports

/// How long to keep records covered by their partitions' checkpoints.
public enum LogRetention: Hashable, Sendable {
  /// Forever, so that the whole history can be replayed.
  case keepAll
  /// They are deleted once the log holds at least this many newer records.
  case recordsMin(Int)
}

extension SQLiteLog {
  /// The log's bounds.
  public struct Options: Hashable, Sendable {
    public var limits = LogLimits()
    public var retention = LogRetention.recordsMin(16_384)
    /// Records between two marks: scanned at the next start, and the unit of trimming.
    public var segmentRecordsMax = 4_096
    /// Records deleted per transaction, or twice as many as it writes if that is more.
    public var trimRecordsMax = 512
    /// Pages in the write-ahead log at which the checkpointer copies them into the file.
    public var checkpointPagesDue = 500
    /// Pages in the write-ahead log at which the writer itself copies the rest, so that it can start over at the
    /// beginning.
    public var checkpointPagesMax = 2_000

    public init() {}

    /// A sentence about the first bound that is out of range or contradicts another.
    public var contradiction: String? {
      if segmentRecordsMax < 1 || trimRecordsMax < 1 || checkpointPagesDue < 1 {
        return "every bound of the log must be at least 1"
      }
      if checkpointPagesDue > checkpointPagesMax {
        return "checkpointPagesDue (\(checkpointPagesDue)) must not exceed checkpointPagesMax (\(checkpointPagesMax))"
      }
      if case .recordsMin(let kept) = retention, kept < 0 { return "recordsMin (\(kept)) must not be negative" }
      return limits.contradiction
    }
  }

  /// What the log has done since it was opened.
  public struct Statistics: Hashable, Sendable {
    public var commits: UInt64 = 0
    public var recordsWritten: UInt64 = 0
    /// Records waiting or being written.
    public var recordsPending = 0
    /// Pages in the write-ahead log as of the newest commit.
    public var logPages = 0
  }
}
