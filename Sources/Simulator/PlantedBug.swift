/// Mistakes that a run can be given on purpose, to prove that the auditor notices them. None of them touches
/// the product's code: the world around the core makes them, or a machine that is wrapped around the real one.
public enum PlantedBug: String, CaseIterable, Sendable {
  /// Repeated messages look like new ones to their receiver.
  case dedupOff
  /// The same, but only for charges: a replay takes the money again.
  case chargeTwiceOnReplay
  /// A checkpoint is written before the log is durable up to what it rests on.
  case checkpointBeforeDurable
  /// An append of messages is said to be in the log before it is.
  case checkpointBeforeOutputs
  /// The store writes whatever the epoch.
  case epochNotCheckedAtWrite
  /// The store reads whatever the epoch.
  case epochNotCheckedAtLoad
  /// The store looks at the epoch when a checkpoint is asked for, not when it is written.
  case staleZombieCheckpoint
  /// Rows and offset are written in two transactions.
  case offsetSavedApart
  /// A store that keeps no idempotency keys.
  case idempotencyNotStored
  /// Answers leave before the log is durable.
  case replyBeforeDurable
  /// Reads are answered while the log is still being replayed.
  case readDuringReplay
  /// Messages of one source overtake each other.
  case messagesOvertake
  /// A record that got lost is taken for an empty one.
  case gapNotNoticed
  /// Entries are given the owner's time instead of their own.
  case timeFromClock
  /// A replay decides under what its owner is configured with, not under what the log and the checkpoint say.
  case limitsConfigured
  /// A parked checkout that gets its units does not go on.
  case parkedForgotten
  /// A release gives the units back twice.
  case releasedTwice
  /// A stop that cannot be held whole keeps its first line.
  case partialHold
  /// Two lines of one item are reserved one by one instead of merged.
  case linesNotMerged
  /// Dirty entities are forgotten.
  case dirtyEvicted
  /// A load's answer is taken over although memory holds something newer.
  case loadOlderThanMemory

  // With owners that change by the log.

  /// Reads are answered although the lease has ended.
  case leaseNotChecked
  /// A lease counts from when its tick came back.
  case leaseFromReturn
  /// A new owner answers as soon as its `Owned` has come back.
  case noHoldBack
  /// An owner that reads of its successor continues.
  case supersededGoesOn
  /// `Released` is sent when another owner is to come, by one that goes on answering until it does.
  case releasedWhileServing
  /// A checkpoint covers requests whose replies are held back.
  case checkpointOfHeld
  /// A checkpoint covers requests whose replies are on their way to other pods.
  case checkpointBeforeReplies
  /// An owner that the store refused loads what is there now.
  case fenceIgnored
  /// Every `Owned` is taken for the own one.
  case ownedNotCompared
  /// Every tick that comes back is taken for the newest one.
  case staleTickAccepted

  /// Whether the mistake can only be made where owners change by the log; the others are made where they do not.
  var isOfTenure: Bool {
    switch self {
    case .leaseNotChecked, .leaseFromReturn, .noHoldBack, .supersededGoesOn, .releasedWhileServing, .checkpointOfHeld,
      .checkpointBeforeReplies, .fenceIgnored, .ownedNotCompared, .staleTickAccepted:
      true
    default: false
    }
  }
}
