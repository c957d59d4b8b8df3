import Lanes
import Model
import PartitionCore
import Ports
import Streams
import Tenancy

// Old orders are removed where `RuleLimits.orderRetentionMilliseconds` says so: the owner of a partition reads which
// orders the store has, and hands those that look old enough to the partition, which decides.
//
// All of it can wait. A lane reads one page at a time; a partition has one sweep in hand, takes it when it has little
// else to do, and gets none while much waits for checkpoints or for the log.

extension OwnerLane {
  /// Called with each tick.
  func tendOrders(at now: UInt64) {
    guard drain == nil, !isLogFailed, shared.phase == .running else { return }
    let isBusy = shared.memory.isCheckpointDue || shared.log.isBacklogged
    var next: (place: Int, dueAt: UInt64)?
    for place in seats.indices where !seats[place].isGone && seats[place].gate.state == .open {
      guard let walk = seats[place].orderWalk else { continue }
      if case .sweeping = walk.phase { lookAtSweep(at: place, now) }
      if isBusy { continue }
      if seats[place].orderWalk?.isSweepDue == true { sweep(at: place) }
      if let due = seats[place].orderWalk?.pageDueAt, due <= now, due < next?.dueAt ?? .max { next = (place, due) }
    }
    if let next, !isPageUnderWay { readOrders(at: next.place, now) }
  }

  private func readOrders(at place: Int, _ now: UInt64) {
    guard seats[place].entrance.orderRetention() != nil, var walk = seats[place].orderWalk else {
      seats[place].orderWalk?.postpone(at: now)
      return
    }
    let after = walk.beginPage(at: now)
    if after == nil { seats[place].removedBeforeWalk = seats[place].entrance.state().counters.ordersRemoved }
    seats[place].orderWalk = walk
    isPageUnderWay = true
    let (mailbox, epoch) = (shared.storeMailboxes[index], seats[place].owner.epoch)
    shared.store.orders(of: seats[place].id, after: after, limit: walk.pace.pageMax, epoch: epoch) { result in
      _ = mailbox.post([.ordersRead(place: place, epoch: epoch, result)])
    }
  }

  /// A page of orders has come, or cannot be read.
  func ordersRead(_ result: Result<[StoredOrder], StoreFailure>, at place: Int) {
    switch result {
    case .success(let page):
      // The rules may have changed since.
      guard let retention = seats[place].entrance.orderRetention() else {
        seats[place].orderWalk?.readFailed(at: lane.now)
        return
      }
      let bound = Timestamp(milliseconds: shared.clock().milliseconds - retention)
      if seats[place].orderWalk?.read(page, changedBefore: bound, at: lane.now) == true { walkEnded(at: place) }
    case .failure(let failure):
      seats[place].orderWalk?.readFailed(at: lane.now)
      noteRefusal(failure, at: place)
      // Its successor walks on.
      if pods != nil, failure.code == .fenced { return }
      shared.storeFailed(seats[place].id, failure)
    }
  }

  private func sweep(at place: Int) {
    guard seats[place].entrance.takesSweep(), let orders = seats[place].orderWalk?.beginSweep() else { return }
    change(at: place) { $0.sweep(orders, &$1) }
  }

  /// Whether the sweep is durable, or came to nothing: then the partition takes the next one. What it left undone, the
  /// next walk finds.
  private func lookAtSweep(at place: Int, _ now: UInt64) {
    guard !seats[place].entrance.hasSweep() else { return }
    if seats[place].orderWalk?.swept(at: now) == true { walkEnded(at: place) }
  }

  private func walkEnded(at place: Int) {
    let removed = seats[place].entrance.state().counters.ordersRemoved &- seats[place].removedBeforeWalk
    if removed > 0 { shared.ordersRemoved(seats[place].id, removed) }
  }
}
