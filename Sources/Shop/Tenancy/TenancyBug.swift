import Model
import PartitionCore

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
  case gapInLogIgnored
  // Appends.
  case changedBytesAppendedAgain
  case anyOffsetConfirms
  case shrunkenLogIgnored
  case revealedBeforeMismatchIsRead
  case stateKeptAfterOwnRecordWasVoid
  // Streams.
  case gapAdmitted
  case repetitionAdmitted
  case acknowledgedWhenApplied
  case repetitionAnsweredEarly
  case refusedCommandExecuted
  case skipNotLogged
  case greetingIgnored
  case askedWhileReplaying
  case inputsBeforeReplayEnds
  case sentAgainOutOfOrder
  case messageRefusedWhenDirty
  case parkedForgotten
  // Ingest logs.
  case ingestAcknowledgedWhenApplied
  case ingestNumberNotCheckpointed
  // Owners.
  case leaseFromReturn
  case leaseTwiceAsLong
  case leaseNotChecked
  case readBeforeDurable
  case readDuringReplay
  case noHoldBack
  case releasedWhileServing
  case fencedNeverAcquiresAgain
  case poisonNotLogged
  // Checkpoints.
  case checkpointWithoutOutbox
  case checkpointOfUnconfirmed
  case checkpointOfHeld
}

extension Optional<TenancyBug> {
  /// Whether the machine should make this mistake.
  @inline(__always)
  public func `is`(_ bug: TenancyBug) -> Bool {
    #if PLANTED_BUGS
    return self == bug
    #else
    return false
    #endif
  }
}

extension Message {
  /// Whether a slip moves on with this message, and not because it has just arrived: so it was parked until now.
  func continues(after cause: LoggedInput.Body) -> Bool {
    let attempt: AttemptID
    switch self {
    case .reserve(let slip, _), .charge(let slip): attempt = slip.attempt
    case .paid, .commit, .release, .failed, .forgetPayment: return false
    }
    switch cause {
    case .message(.reserve(let slip, _)): return slip.attempt != attempt
    // A checkout begins with a command.
    case .command(let command): return command.command.service == .stock
    case .message: return true
    case .skip: return false
    }
  }
}
