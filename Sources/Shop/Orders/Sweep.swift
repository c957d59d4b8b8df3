import Model
import PartitionCore

// Old orders go. The owner names candidates from its store's rows, which may be out of date: only what is decided here,
// from the newest state and the partition's own time, counts.

extension OrdersMachine {
  /// Removes those of the orders that have not changed for as long as the limits retain them; none whose checkout is
  /// under way. The age of an order that was never changed under these rules begins now.
  mutating func sweep(_ ids: [OrderID], in context: inout ApplyContext) -> Outcome {
    for id in ids {
      guard let order = orders[id], order.status != .checkingOut else { continue }
      if order.changedAt == nil, let stamp = context.stamp {
        orders.update(id, at: context.position) { $0?.changedAt = stamp }
      } else {
        removeIfOld(id, order, in: &context)
      }
    }
    return .done
  }

  /// Removes an order that is old enough, whatever its status is.
  package mutating func removeIfOld(_ id: OrderID, _ order: Order, in context: inout ApplyContext) {
    guard context.rules >= Rules.retention, let changedAt = order.changedAt,
      let before = context.retainedSince, changedAt <= before
    else { return }
    orders.update(id, at: context.position) { $0 = nil }
    ledger.removedOrders &+= 1
    var paid: RemovedOrder.Receipt?
    if order.status == .paid {
      let cost = order.total ?? .zero
      paid = RemovedOrder.Receipt(attempt: order.attempt, amount: cost)
      ledger.removedCheckouts &+= 1
      ledger.removedMoney &+= UInt64(cost.value)
    }
    // Only the payments know whether an order that no checkout paid was paid by hand.
    context.send(
      .forgetPayment(RemovedOrder(order: id, user: order.user, before: before, paid: paid)),
      to: partitioner.partition(of: order.user))
  }
}
