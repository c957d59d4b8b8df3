import Lanes
import Model
import PartitionCore

// What a partition decides under stands in its log; an owner that is configured otherwise puts its own limits there,
// behind everything that it replays.

extension LaneRuntime {
  /// Limits are appended again when they have not come back for so long.
  static let limitsMillisecondsMax: UInt64 = 1_000

  /// Sees to it that a partition that has replayed gets this owner's limits. Returns whether its gate may open: where
  /// nobody else sends it commands, they wait for the limits.
  func isToOpen(_ result: StepResult, at place: Int) -> Bool {
    guard result.flags.contains(.hasOtherLimits) else {
      places[place].limitsAppendedAt = nil
      return true
    }
    // Before its `Owned` has come back, its predecessor may append others.
    let isDue = places[place].limitsAppendedAt.map { lane.now >= $0 + Self.limitsMillisecondsMax } ?? true
    if isDue, !result.flags.contains(.isAnnounced) {
      places[place].limitsAppendedAt = lane.now
      appendControl(.limits(shared.options.rules), at: place)
    }
    return cluster != nil
  }

  /// Called with each tick, for limits that may have got lost.
  func lookForLimits(_ now: UInt64) {
    for place in places.indices where !places[place].isGone {
      guard let at = places[place].limitsAppendedAt, now >= at + Self.limitsMillisecondsMax else { continue }
      perform(places[place].actor.standing(), at: place)
    }
  }
}
