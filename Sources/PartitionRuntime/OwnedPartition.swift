import Model

/// What a lane knows of a partition that it owns.
struct OwnedPartition {
  let id: PartitionID
  var actor: PartitionEntrance
  let gate: PartitionGate
  let epoch: UInt64
  /// The offset of the checkpoint that it started from.
  let offsetAtBoot: Int64
  /// The newest offset that the log had when the partition got this owner: up to there it is a replay.
  let replayThrough: Int64
  /// It met a record that it cannot apply: it applies nothing any more.
  var isStopped = false
  /// It stands in the lane's list of what to step.
  var isToStep = false
  /// It waits for a load and has as much of the log as it may hold: it is not read.
  var isPaused = false
  /// It has put out messages that are not appended yet.
  var hasUnappended = false
  /// A checkpoint was taken and waits for the log.
  var isCheckpointTaken = false
  /// When the newest one was taken, by the lane's clock.
  var checkpointTakenAt: UInt64 = 0
  /// What other pods were sent before the checkpoint that was taken, which waits for that to arrive.
  var repliesBefore: PeerMark?
  /// The number of the newest reply that could not be queued before that checkpoint was taken.
  var unsentBefore: UInt64?
  /// A checkpoint is with the store.
  var isWriting = false
  /// A checkpoint of this owner has been written.
  var isSettled = false
  /// Since when the store lacks something, by the lane's clock in milliseconds.
  var behindSince: UInt64?
  var checkpointClock = CheckpointClock()
  /// A checkpoint failed; when to try the next one.
  var backoffUntil: UInt64 = 0
  /// Why the newest load failed. A partition whose commands wait for it cannot go on, and takes no more meanwhile.
  var loadFailure: String?
  /// Another owner has it, or this one gave it up: the place waits for the partition to come back.
  var isGone = false
  /// Something is held back, or a read waits for a lease: the clock matters.
  var awaitsTime = false
  /// The owner's `Owned`, and its limits.
  var announcement = AwaitedControl()
  var limits = AwaitedControl()
  /// A load failed; when to ask again.
  var retryLoadAt: UInt64?
}

/// Something that an owner appends about itself, again and again until it has come back: on its way it may get lost.
struct AwaitedControl {
  /// It is appended again when it has not come back for so long.
  static let millisecondsMax: UInt64 = 1_000

  private var appendedAt: UInt64?

  /// Whether it was appended and has not come back.
  var isAwaited: Bool { appendedAt != nil }

  func isLate(_ now: UInt64) -> Bool { appendedAt.map { now >= $0 + Self.millisecondsMax } ?? false }

  mutating func appended(_ now: UInt64) { appendedAt = now }

  mutating func cameBack() { appendedAt = nil }
}
