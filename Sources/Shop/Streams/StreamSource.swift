import Model

/// One life of a lane's command stream to a partition: the run of the pod, the lane, and a count of the lane's
/// sessions.
///
/// A lane opens its next session after a long silence, so that a partition may forget sessions that nobody uses.
package struct Session: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The start of the process; unique among all starts of all pods.
  package let run: UInt64
  package let lane: UInt16
  /// Counts the sessions of this lane with this partition, from 1.
  package let number: UInt32

  package init(run: UInt64, lane: UInt16, number: UInt32) {
    self.run = run
    self.lane = lane
    self.number = number
  }

  package static func < (a: Session, b: Session) -> Bool {
    (a.run, a.lane, a.number) < (b.run, b.lane, b.number)
  }

  /// `run.lane.number` in hexadecimal.
  package var description: String {
    "\(String(run, radix: 16)).\(String(lane, radix: 16)).\(String(number, radix: 16))"
  }
}

/// Where a stream comes from.
package enum StreamSource: Hashable, Sendable, CustomStringConvertible {
  /// Messages that a partition's own records cause.
  case partition(PartitionID)
  /// Clients' commands that one lane of a pod took.
  case session(Session)

  package var description: String {
    switch self {
    case .partition(let partition): "\(partition)"
    case .session(let session): "session \(session)"
    }
  }
}

/// Names one tenure of a partition: the epoch that the store gave out and the run of the process that got it.
///
/// The epoch alone is not enough: a database that was restored from a backup gives epochs out again.
package struct OwnerID: Hashable, Sendable, CustomStringConvertible {
  /// At least 1.
  package let epoch: UInt64
  package let run: UInt64

  package init(epoch: UInt64, run: UInt64) {
    self.epoch = epoch
    self.run = run
  }

  /// `epoch@run`, the run in hexadecimal.
  package var description: String { "\(epoch)@\(String(run, radix: 16))" }
}
