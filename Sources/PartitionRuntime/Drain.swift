import EventLog
import Lanes
import Model
import PartitionCore

/// The end of a lane's work: wait until nobody waits for an answer, checkpoint everything, say so.
///
/// ```
/// answering ──nobody waits here, or the deadline──► answered ──nor elsewhere──► checkpointing
///                                  done ◄──nothing to write, or the deadline──────────┘
/// ```
struct Drain {
  enum Phase { case answering, answered, checkpointing, done }

  var phase = Phase.answering
  /// By the lane's clock, in milliseconds.
  let answersUntil: UInt64
  let checkpointsUntil: UInt64
  let completion: @Sendable () -> Void
}

extension LaneRuntime {
  /// Begins to drain; the completion is called once, on the lane.
  func beginDrain(answersMilliseconds: UInt64, completion: @escaping @Sendable () -> Void) {
    guard drain == nil else { return }
    drain = Drain(
      answersUntil: lane.now + answersMilliseconds, checkpointsUntil: lane.now + answersMilliseconds + 5_000,
      completion: completion)
  }

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
        current.completion()
      }
    case .done:
      break
    }
  }
}
