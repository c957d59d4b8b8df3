import EventLog
import Lanes
import Model
import PartitionCore
import StateStore
import Synchronization

/// What lanes and the threads of stores tell a lane.
enum LaneMessage: Sendable {
  /// A read of a key whose partition this lane owns.
  case read(Query, RequestID)
  /// What became of a request that waits on this lane; it may leave once the log is durable up to the position.
  case finished(number: UInt64, RequestResult, revealedAt: LogPosition)
  /// A load of the partition at a place of the lane's table ended.
  case loaded(place: Int, Result<[EntityChange], StoreFailure>)
  /// A checkpoint ended.
  case checkpointed(place: Int, through: Int64, Result<Void, StoreFailure>)
}

/// Wakes a lane on behalf of the log.
final class LaneSignal: LogOwner {
  private let lane: Lane
  private let isAwaiting = Atomic<Bool>(false)

  init(_ lane: Lane) { self.lane = lane }

  func deliveriesArrived() { lane.wake() }

  /// A lane from which nobody waits sleeps on: a commit then costs it nothing.
  func durabilityChanged() {
    if isAwaiting.load(ordering: .sequentiallyConsistent) { lane.wake() }
  }

  /// Says whether something on the lane waits for the log. Look at the log again after it was set: what became durable
  /// just before was not told.
  func await(_ isAwaiting: Bool) { self.isAwaiting.store(isAwaiting, ordering: .sequentiallyConsistent) }
}
