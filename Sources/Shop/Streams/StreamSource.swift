import Model

/// One life of a lane's command stream to a partition: the run of the pod, the lane, and a count of the lane's
/// sessions.
///
/// A lane opens its next session after a long silence, so that a partition may forget sessions that nobody uses.
public struct Session: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The start of the process; unique among all starts of all pods.
  public let run: UInt64
  public let lane: UInt16
  /// Counts the sessions of this lane with this partition, from 1.
  public let number: UInt32

  public init(run: UInt64, lane: UInt16, number: UInt32) {
    self.run = run
    self.lane = lane
    self.number = number
  }

  public static func < (a: Session, b: Session) -> Bool {
    (a.run, a.lane, a.number) < (b.run, b.lane, b.number)
  }

  /// `run.lane.number` in hexadecimal.
  public var description: String {
    "\(String(run, radix: 16)).\(String(lane, radix: 16)).\(String(number, radix: 16))"
  }
}

/// Where a stream comes from.
public enum StreamSource: Hashable, Sendable, CustomStringConvertible {
  /// Messages that a partition's own records cause.
  case partition(PartitionID)
  /// Clients' commands taken by one lane of a pod.
  case session(Session)
  /// Commands that other systems wrote to the receiving partition's own ingest log. The number of one is its offset
  /// plus 1: they ascend, with gaps.
  case ingest

  public var description: String {
    switch self {
    case .partition(let partition): "\(partition)"
    case .session(let session): "session \(session)"
    case .ingest: "ingest"
    }
  }
}

/// Names one tenure of a partition: the epoch that the store issued and the run of the process that got it.
///
/// The epoch alone is not enough: a database restored from a backup issues epochs again.
public struct OwnerID: Hashable, Sendable, CustomStringConvertible {
  /// At least 1.
  public let epoch: UInt64
  public let run: UInt64

  public init(epoch: UInt64, run: UInt64) {
    self.epoch = epoch
    self.run = run
  }

  /// `epoch@run`, the run in hexadecimal.
  public var description: String { "\(epoch)@\(String(run, radix: 16))" }
}
