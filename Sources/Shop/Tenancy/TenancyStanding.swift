import Model
import PartitionCore

/// The state of a tenure after something was done to it.
public struct TenancyStanding: OptionSet, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// There is more to apply.
  public static let canStep = TenancyStanding(rawValue: 1)
  /// The store lacks something.
  public static let isBehind = TenancyStanding(rawValue: 2)
  public static let isCheckpointDue = TenancyStanding(rawValue: 4)
  public static let isDirtyBoundReached = TenancyStanding(rawValue: 8)
  /// Inputs wait for a load.
  public static let awaitsLoad = TenancyStanding(rawValue: 16)
  public static let isServing = TenancyStanding(rawValue: 32)
  public static let hasEnded = TenancyStanding(rawValue: 64)
  /// Streams are taken: the replay is over.
  public static let isAdmitting = TenancyStanding(rawValue: 128)
  /// As much of the log waits to be applied as is allowed.
  public static let isReplayFull = TenancyStanding(rawValue: 256)
}

extension Tenancy {
  /// All that its shell looks at after each call. One call that takes `self` in place: a tenure is large, and
  /// reading a property from another module copies it.
  public mutating func standing() -> (TenancyStanding, residentCount: Int, dirtyCount: Int) {
    let (resident, dirty) = (state.residentCount, state.dirtyCount)
    var standing: TenancyStanding = []
    if wantsTurn || canAdvanceReplay { standing.insert(.canStep) }
    if isBehind { standing.insert(.isBehind) }
    if dirty >= limits.core.checkpointEntitiesDue { standing.insert(.isCheckpointDue) }
    if dirty >= limits.core.dirtyMax { standing.insert(.isDirtyBoundReached) }
    if loads.isBlocking { standing.insert(.awaitsLoad) }
    if isReplayFull { standing.insert(.isReplayFull) }
    switch phase {
    case .serving: standing.formUnion([.isAdmitting, .isServing])
    case .waiting: standing.insert(.isAdmitting)
    case .ended: standing.insert(.hasEnded)
    case .replaying, .leaving: break
    }
    return (standing, resident, dirty)
  }
}
