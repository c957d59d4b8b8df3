import Model
import Streams
import Tenancy

/// What a lane knows of a partition that it owns.
struct Seat {
  let id: PartitionID
  var owner: OwnerID
  var entrance: OwnerEntrance
  let gate: PartitionGate
  /// Where the log has to be read from.
  var readFrom: Int64
  /// The offset of the newest checkpoint.
  var checkpointedOffset: Int64
  /// What has reached it since its last step.
  var inputs: [TenancyInput] = []
  /// It is in the lane's list of what to step.
  var isToStep = false
  /// Inputs in an append whose fate is unknown.
  var inputsUnderWay = 0
  /// What is being read of its log.
  var reading = Reading.nothing
  /// When its log was last read back to the end, by the lane's clock.
  var readEndedAt: UInt64?
  /// When to read on, or to append `Owned` again, by the lane's clock.
  var readAgainAt: UInt64?
  var announcedAt: UInt64 = 0
  /// The offset where the log says that the partition is this owner's.
  var ownedOffset: Int64?
  /// The owners that were asked where the streams of its messages are, and when; by `OwnerShared.flat` of the
  /// destination.
  var asked: [Int: AskedOwner] = [:]
  /// Whether as much of its log waits to be applied as is allowed.
  var isReplayFull = false
  /// It takes streams but reveals nothing: its predecessor may still answer reads.
  var isWaiting = false
  /// Since when the store refuses it, because a newer owner has acquired the partition, by the lane's clock.
  var fencedAt: UInt64?
  /// It has ended: nothing reaches it any more. Says why if an operator has to look.
  var isGone = false
  var stopReason: String?
  /// It has written its last record to the log, in order: only its last checkpoint is left.
  var hasLeft = false
  /// A checkpoint is taken and waits for the log.
  var isCheckpointTaken = false
  /// When the newest one was taken, by the lane's clock.
  var checkpointTakenAt: UInt64 = 0
  /// A checkpoint is with the store.
  var isWriting = false
  /// Since when the store lacks something, by the lane's clock in milliseconds.
  var behindSince: UInt64?
  var checkpointClock = CheckpointClock()
  /// A checkpoint failed; when to try the next one.
  var backoffUntil: UInt64 = 0
  /// Why the newest load failed. A partition whose inputs wait for it cannot continue, and takes no more until then.
  var loadFailure: String?
  /// A load failed; when to ask again.
  var retryLoadAt: UInt64?
  /// Its ingest log is being read.
  var isIngesting = false
  /// Looks for old orders; nil for other services.
  var orderWalk: OrderWalk?
  /// How many orders this owner had removed when its newest walk began.
  var removedBeforeWalk: UInt64 = 0
  /// Messages wait for a destination's greeting.
  var awaitsGreetings = false

  enum Reading { case nothing, replay, back }
}
