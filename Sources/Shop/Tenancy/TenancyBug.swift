/// A mistake that the simulator makes the machine commit, to prove that it would be found.
///
/// Only debug builds, as the tests are, can make any: `is` is always false in a release build, and the compiler
/// removes what depends on it. So no shop runs a program that could.
public enum TenancyBug: String, CaseIterable, Hashable, Sendable {
  // The filter.
  case latestOwnedWins
  case runNotCompared
  case repetitionCounts
  case voidAdvancesNumber
  // Appends.
  case changedBytesAppendedAgain
  case anyOffsetConfirms
  case shrunkenLogIgnored
  case revealedBeforeMismatchIsRead
  case stateKeptAfterOwnRecordWasVoid
  // Streams.
  case gapAdmitted
  case acknowledgedWhenApplied
  case repetitionAnsweredEarly
  case refusedCommandExecuted
  case skipNotLogged
  case greetingIgnored
  case askedWhileReplaying
  case inputsBeforeReplayEnds
  case sentAgainOutOfOrder
  case messageRefusedWhenDirty
  // Owners.
  case leaseFromReturn
  case leaseTwiceAsLong
  case readBeforeDurable
  case fencedNeverAcquiresAgain
  case poisonNotLogged
  // Checkpoints.
  case checkpointWithoutOutbox
  case checkpointOfUnconfirmed
}

extension Optional<TenancyBug> {
  /// Whether the machine is to make this mistake.
  @inline(__always)
  public func `is`(_ bug: TenancyBug) -> Bool {
    #if PLANTED_BUGS
    return self == bug
    #else
    return false
    #endif
  }
}
