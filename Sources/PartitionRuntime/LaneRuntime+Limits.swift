import Lanes
import Model
import PartitionCore

// What a partition decides under stands in its log; an owner that is configured otherwise puts its own limits there,
// behind everything that it replays.

extension LaneRuntime {
  /// Sees to it that a partition that has replayed gets this owner's limits. Returns whether its gate may open: where
  /// nobody else sends it commands, they wait for the limits.
  func isToOpen(_ result: StepResult, at place: Int) -> Bool {
    guard result.flags.contains(.hasOtherLimits) else {
      places[place].limits.cameBack()
      return true
    }
    // Before its `Owned` has come back, its predecessor may append others.
    let isDue = !places[place].limits.isAwaited || places[place].limits.isLate(lane.now)
    if isDue, !result.flags.contains(.isAnnounced) {
      places[place].limits.appended(lane.now)
      appendControl(.limits(shared.options.rules), at: place)
    }
    return cluster != nil
  }

  /// Called with each tick, for limits that may have got lost.
  func lookForLimits(_ now: UInt64) {
    for place in places.indices where !places[place].isGone && places[place].limits.isLate(now) {
      perform(places[place].actor.standing(), at: place)
    }
  }
}
