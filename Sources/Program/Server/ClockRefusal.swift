import Model
import Telemetry

/// Why a server does not start with its machine's clock: a sentence with both times and what to do.
public struct ClockRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String

  /// How long a folder may have been unused: longer than a yearly start, shorter than a clock that lost its year.
  public static let goneMillisecondsMax: Int64 = 400 * 24 * 60 * 60 * 1_000

  /// nil if the clock may be right.
  ///
  /// - Parameters:
  ///   - wall: what the machine's clock says, in milliseconds since 1970-01-01 UTC.
  ///   - newest: the latest time of anything that happened before, and where; nil if nothing did.
  ///   - path: the data folder.
  public init?(
    wall: Int64, newest: (time: Timestamp, partition: PartitionID)?, path: String, toleranceMilliseconds: Int64
  ) {
    guard let newest else { return nil }
    let last = newest.time.milliseconds
    let relation: String
    if last - wall > toleranceMilliseconds {
      relation = "which is later"
    } else if wall - last > Self.goneMillisecondsMax {
      relation = "more than \(Self.goneMillisecondsMax / 86_400_000) days before"
    } else {
      return nil
    }
    description =
      "\(path): this machine's clock says \(UTCTime(milliseconds: wall)), but the newest record, in "
      + "\(newest.partition), is from \(UTCTime(milliseconds: last)), \(relation); correct the clock and start again. "
      + "If it is right, start with --accept-clock now: time continues from the later of the two, and idempotency keys "
      + "that expire by then are forgotten"
  }
}
