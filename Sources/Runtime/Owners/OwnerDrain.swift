import Ports
import Lanes

/// The end of a lane's work: wait until nobody waits for an answer, let others take over what they want, record in the
/// log that the rest is given up, and checkpoint.
///
/// ```
/// answering ──nobody waits here, or the deadline──► answered ──nor on other lanes──► handingOver
///   leaving ◄──nothing owned, or the deadline──────────────────────────────────────────────┘
///      └──said in the log, or the deadline──► checkpointing ──nothing to write, or the deadline──► done
/// ```
/// Where nobody else can own partitions, the hand-over ends immediately.
struct OwnerDrain {
  enum Phase { case answering, answered, handingOver, leaving, checkpointing, done }

  var phase = Phase.answering
  /// By the lane's clock, in milliseconds.
  let answersUntil: UInt64
  let handoverUntil: UInt64
  let checkpointsUntil: UInt64
  let completion: @Sendable () -> Void

  /// Whether it is too late to become an owner.
  var isLeaving: Bool {
    switch phase {
    case .answering, .answered, .handingOver: false
    case .leaving, .checkpointing, .done: true
    }
  }

  /// How long the last checkpoints may take.
  static let lastCheckpointsMilliseconds: UInt64 = 5_000
}

extension OwnerLane {
  /// Begins to drain; the completion is called once, on the lane.
  func beginDrain(
    _ answersMilliseconds: UInt64, _ handoverMilliseconds: UInt64, completion: @escaping @Sendable () -> Void
  ) {
    guard drain == nil else { return }
    leaveIngest()
    let answersUntil = lane.now + answersMilliseconds
    let handoverUntil = lane.now + (pods == nil ? 0 : handoverMilliseconds)
    drain = OwnerDrain(
      answersUntil: answersUntil, handoverUntil: handoverUntil,
      checkpointsUntil: max(answersUntil, handoverUntil) + OwnerDrain.lastCheckpointsMilliseconds,
      completion: completion)
  }

  var waitingCount: Int { client?.waitingCount ?? 0 }

  /// Takes the drain's next step, if there is one.
  func advanceDrain() {
    guard let current = drain else { return }
    switch current.phase {
    case .answering:
      guard waitingCount == 0 || lane.now >= current.answersUntil else { return }
      drain?.phase = .answered
      shared.laneAnswered()
      advanceDrain()
    case .answered:
      guard shared.isAnswered || lane.now >= current.checkpointsUntil else { return }
      drain?.phase = .handingOver
      advanceDrain()
    case .handingOver:
      guard seats.allSatisfy(\.isGone) || lane.now >= current.handoverUntil else { return }
      drain?.phase = .leaving
      advanceDrain()
    case .leaving:
      // What other lanes' partitions still send remains in their outboxes.
      for place in seats.indices where !seats[place].isGone && seats[place].entrance.isIdle() {
        change(at: place) { $0.leave(&$1) }
      }
      guard seats.allSatisfy(\.isGone) || isLogFailed || lane.now >= current.checkpointsUntil else { return }
      drain?.phase = .checkpointing
      advanceDrain()
    case .checkpointing:
      for place in seats.indices {
        if seats[place].isCheckpointTaken { writeCheckpoint(at: place) }
        takeCheckpoint(at: place)
      }
      guard isCheckpointed || lane.now >= current.checkpointsUntil else { return }
      drain?.phase = .done
      current.completion()
    case .done: break
    }
  }

  /// Whether the store has everything it can get. What a failed log will never make durable cannot be checkpointed, and
  /// a failed store takes nothing: the next start replays.
  private var isCheckpointed: Bool {
    let isFailed = isLogFailed || shared.store.failure != nil
    return seats.allSatisfy { seat in
      if seat.isWriting { return false }
      if seat.isGone, !seat.hasLeft { return true }
      return isFailed || !seat.isCheckpointTaken && !seat.entrance.isBehind()
    }
  }
}
