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
  /// A load of the partition at a place of the lane's table ended, under the epoch that it was asked with.
  case loaded(place: Int, epoch: UInt64, Result<[EntityChange], StoreFailure>)
  /// A checkpoint ended.
  case checkpointed(place: Int, epoch: UInt64, through: Int64, Result<Void, StoreFailure>)
  /// A read whose partition has left this process: whoever owns it now has to be asked.
  case forward(Query, RequestID)
}

/// Wakes a lane on behalf of the log.
final class LaneSignal: LogOwner {
  private let lane: Lane
  private let mailbox: Mailbox<LaneMessage>
  private let isAwaiting = Atomic<Bool>(false)

  init(_ lane: Lane, _ mailbox: Mailbox<LaneMessage>) {
    self.lane = lane
    self.mailbox = mailbox
  }

  func deliveriesArrived() { lane.wake() }

  /// A box that is full loses it; then the requests' deadlines say the same.
  func commandsUnknown(_ requests: [RequestID]) {
    _ = mailbox.post(
      requests.map { .finished(number: $0.number, .refused(.outcomeUnknown), revealedAt: .zero) })
  }

  /// A lane from which nobody waits sleeps on: a commit then costs it nothing.
  func durabilityChanged() {
    if isAwaiting.load(ordering: .sequentiallyConsistent) { lane.wake() }
  }

  /// Says whether something on the lane waits for the log. Look at the log again after it was set: what became durable
  /// just before was not told.
  func await(_ isAwaiting: Bool) { self.isAwaiting.store(isAwaiting, ordering: .sequentiallyConsistent) }
}
