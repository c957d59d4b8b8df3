import Model
import PartitionCore

/// How a tenure stands after something was done to it.
package struct TenancyStanding: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// There is more to apply.
  package static let canStep = TenancyStanding(rawValue: 1)
  /// The store lacks something.
  package static let isBehind = TenancyStanding(rawValue: 2)
  package static let isCheckpointDue = TenancyStanding(rawValue: 4)
  package static let isDirtyBoundReached = TenancyStanding(rawValue: 8)
  /// Inputs wait for a load.
  package static let awaitsLoad = TenancyStanding(rawValue: 16)
  package static let isServing = TenancyStanding(rawValue: 32)
  package static let hasEnded = TenancyStanding(rawValue: 64)
}

extension Tenancy {
  /// All that its shell looks at after each call. One call that takes `self` in place: a tenure is large, and each
  /// property that is read from another module copies it.
  package mutating func standing() -> (TenancyStanding, residentCount: Int, dirtyCount: Int) {
    let (resident, dirty) = (state.residentCount, state.dirtyCount)
    var standing: TenancyStanding = []
    if wantsTurn || canAdvanceReplay { standing.insert(.canStep) }
    if isBehind { standing.insert(.isBehind) }
    if dirty >= limits.core.checkpointEntitiesDue { standing.insert(.isCheckpointDue) }
    if dirty >= limits.core.dirtyMax { standing.insert(.isDirtyBoundReached) }
    if loads.isBlocking { standing.insert(.awaitsLoad) }
    switch phase {
    case .serving: standing.insert(.isServing)
    case .ended: standing.insert(.hasEnded)
    case .replaying, .waiting, .leaving: break
    }
    return (standing, resident, dirty)
  }

  /// Goes on with what is queued: the replay, or a turn. Forgets what need not be resident. Returns how many records
  /// were applied, and how many entities were forgotten.
  package mutating func step(
    at time: Timestamp, now: Int64, residentMax: Int, into actions: inout TenancyActions
  ) -> (applied: UInt64, evicted: Int) {
    let before = number
    if isReplaying {
      advanceReplay(at: now, into: &actions)
    } else {
      turn(at: time, now: now, into: &actions)
    }
    return (number - before, evict(downTo: residentMax))
  }
}
