import EventLog
import Lanes
import Model
import PartitionCore

/// The end of a lane's work: wait until nobody waits for an answer, let others take over what they want, checkpoint
/// the rest, say so.
///
/// ```
/// answering ──nobody waits here, or the deadline──► answered ──nor on other lanes──► handingOver
///      done ◄──nothing to write, or the deadline── checkpointing ◄──nothing owned, or the deadline──┘
/// ```
/// Where nobody else can own partitions, the hand-over ends at once.
struct Drain {
  enum Phase { case answering, answered, handingOver, checkpointing, done }

  var phase = Phase.answering
  /// By the lane's clock, in milliseconds.
  let answersUntil: UInt64
  let handoverUntil: UInt64
  let checkpointsUntil: UInt64
  let completion: @Sendable () -> Void

  /// Whether it is too late to become an owner.
  var isLeaving: Bool { phase == .checkpointing || phase == .done }
}

extension LaneRuntime {
  /// Begins to drain; the completion is called once, on the lane.
  func beginDrain(
    _ answersMilliseconds: UInt64, _ handoverMilliseconds: UInt64, completion: @escaping @Sendable () -> Void
  ) {
    guard drain == nil else { return }
    let handoverUntil = lane.now + (cluster == nil ? 0 : handoverMilliseconds)
    let answersUntil = lane.now + answersMilliseconds
    drain = Drain(
      answersUntil: answersUntil, handoverUntil: handoverUntil,
      checkpointsUntil: max(answersUntil, handoverUntil) + Self.lastCheckpointsMilliseconds, completion: completion)
  }

  /// What the last checkpoints may take.
  static let lastCheckpointsMilliseconds: UInt64 = 5_000

  /// Takes the drain's next step, if there is one.
  func advanceDrain() {
    guard let current = drain else { return }
    switch current.phase {
    case .answering:
      guard waitingCount == 0 && withheld.count == 0 || lane.now >= current.answersUntil else { return }
      drain?.phase = .answered
      shared.laneAnswered()
      advanceDrain()
    case .answered:
      guard shared.isAnswered || lane.now >= current.checkpointsUntil else { return }
      drain?.phase = .handingOver
      advanceDrain()
    case .handingOver:
      guard cluster == nil || !ownsPartitions || lane.now >= current.handoverUntil else { return }
      drain?.phase = .checkpointing
      advanceDrain()
    case .checkpointing:
      for place in places.indices { takeCheckpoint(at: place) }
      // Other lanes' partitions may still send messages to this one's: a tick finds what they changed.
      // A checkpoint of what a failed log will never make durable cannot be written: the next start replays.
      let isLogFailed = shared.log.failure != nil
      let isWriting = places.contains { $0.isWriting || $0.isCheckpointTaken && !isLogFailed }
      if !isWriting || lane.now >= current.checkpointsUntil {
        drain?.phase = .done
        if cluster != nil { leavePartitions() }
        current.completion()
      }
    case .done:
      break
    }
  }

  /// Gives up what nobody took over.
  private func leavePartitions() {
    for place in places.indices { stepDown(at: place) }
    flushCommands(isLast: true)
    shared.log.flushHint(by: signal)
  }
}
