/// Bugs planted in a run on purpose, to prove that the auditor notices them. None touches the product's code: they are
/// in the world around the core, or in a machine wrapped around the real one.
public enum PlantedBug: String, CaseIterable, Sendable {
  /// Repeated messages look like new ones to their receiver.
  case dedupOff
  /// The same, only for charges: a replay takes the money again.
  case chargeTwiceOnReplay
  /// A checkpoint is written before the log it depends on is durable.
  case checkpointBeforeDurable
  /// An append of messages is reported as in the log before it is.
  case checkpointBeforeOutputs
  /// The store writes without checking the epoch.
  case epochNotCheckedAtWrite
  /// The store reads without checking the epoch.
  case epochNotCheckedAtLoad
  /// The store checks the epoch when a checkpoint is requested, not when it is written.
  case staleZombieCheckpoint
  /// Rows and offset are written in two transactions.
  case offsetSavedApart
  /// The store keeps no idempotency keys.
  case idempotencyNotStored
  /// Answers leave before the log is durable.
  case replyBeforeDurable
  /// Reads are answered while the log is still being replayed.
  case readDuringReplay
  /// Messages of one source overtake each other.
  case messagesOvertake
  /// A lost record is mistaken for an empty one.
  case gapNotNoticed
  /// Entries are given the owner's time instead of their own.
  case timeFromClock
  /// A replay decides under its owner's configured limits, not under those of the log and the checkpoint.
  case limitsConfigured
  /// A parked checkout does not continue when it gets its units.
  case parkedForgotten
  /// A release gives the units back twice.
  case releasedTwice
  /// A stop that cannot be held as a whole keeps its first line.
  case partialHold
  /// Two lines of one item are reserved one by one instead of merged.
  case linesNotMerged
  /// Dirty entities are forgotten.
  case dirtyEvicted
  /// A load's answer is used although memory holds something newer.
  case loadOlderThanMemory

  // Only where owners change through the log.

  /// Reads are answered although the lease has ended.
  case leaseNotChecked
  /// A lease counts from the return of its tick.
  case leaseFromReturn
  /// A new owner answers as soon as its `Owned` comes back.
  case noHoldBack
  /// An owner continues after it read of its successor.
  case supersededGoesOn
  /// An owner sends `Released` when another is to follow, but keeps answering until that happens.
  case releasedWhileServing
  /// A checkpoint covers requests whose replies are held back.
  case checkpointOfHeld
  /// A checkpoint covers requests whose replies are in transit to other pods.
  case checkpointBeforeReplies
  /// An owner that the store refused loads the current rows.
  case fenceIgnored
  /// An owner takes every `Owned` for its own.
  case ownedNotCompared
  /// An owner takes every tick that comes back for the newest one.
  case staleTickAccepted

  /// Whether the bug is only possible where owners change through the log; the others are planted where they do not.
  var isOfTenure: Bool {
    switch self {
    case .leaseNotChecked, .leaseFromReturn, .noHoldBack, .supersededGoesOn, .releasedWhileServing, .checkpointOfHeld,
      .checkpointBeforeReplies, .fenceIgnored, .ownedNotCompared, .staleTickAccepted:
      true
    default: false
    }
  }
}
