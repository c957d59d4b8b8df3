import Model
import PartitionCore

// The rules for the removal of old orders, written a second time.

extension Auditor {
  /// The time of a change; no order or payment knew it under the former rules.
  var stamp: Timestamp? { rules[current.slot] >= 4 ? now[current.slot] : nil }

  func sweep(_ ids: [OrderID]) -> Outcome {
    guard let stamp else { return .done }
    for id in ids {
      guard var order = orders[id] else { continue }
      guard let changedAt = order.changedAt else {
        order.changedAt = stamp
        if order.status != .checkingOut { set(id, order) }
        continue
      }
      guard let retention = limits[current.slot].orderRetentionMilliseconds,
        stamp.milliseconds - changedAt.milliseconds >= retention
      else { continue }
      if order.status == .checkingOut {
        removal.spared += 1
      } else {
        remove(id, order, before: Timestamp(milliseconds: stamp.milliseconds - retention))
      }
    }
    return .done
  }

  private func remove(_ id: OrderID, _ order: Order, before: Timestamp) {
    set(id, nil)
    removal.orders += 1
    var paid: RemovedOrder.Receipt?
    if order.status == .paid {
      let cost = Self.total(order.lines) ?? 0
      removal.paidOrders += 1
      removal.paidMoney += cost
      paid = RemovedOrder.Receipt(attempt: order.attempt, amount: Money(unchecked: cost))
    }
    expect(
      .forgetPayment(RemovedOrder(order: id, user: order.user, before: before, paid: paid)),
      to: layout.partitioner.partition(of: order.user))
  }

  /// An order is removed: so is what was paid for it, unless it was paid by hand since.
  func forget(_ removed: RemovedOrder) {
    let key = PaymentKey(user: removed.user, order: removed.order)
    guard var user = users[removed.user] else { return }
    let payment = payments[key]
    if let paid = removed.paid {
      if let payment, payment.status == .checkout, payment.attempt == paid.attempt {
        removal.forgottenMoney += payment.amount.value
        set(key, nil)
      } else if user.era > 0 {
        removal.forgottenMoney += paid.amount.value
      } else {
        return fail("\(removed.order) was paid by \(removed.user) and removed, and no payment is there to be forgotten")
      }
      removal.forgotten += 1
    }
    guard let payment, payment.status != .checkout else { return }
    if let changedAt = payment.changedAt, changedAt > removed.before { return }
    if payment.status == .byHand {
      user.spentWithoutOrder = Money(unchecked: user.spentWithoutOrder.value + payment.amount.value)
      set(removed.user, user)
      removal.forgottenByHand += 1
    }
    set(key, nil)
  }

  /// What was paid for the orders that are gone is what payments have forgotten.
  func auditRemoval() {
    if removal.paidOrders != removal.forgotten || removal.paidMoney != removal.forgottenMoney {
      fail("the payments of removed orders do not fit: \(removal)")
    }
  }
}

/// What sweeps have done, over all partitions.
struct Removal {
  var orders = 0
  var paidOrders = 0
  var paidMoney: Int64 = 0
  /// Payments of checkouts that were forgotten with their orders.
  var forgotten = 0
  var forgottenMoney: Int64 = 0
  var forgottenByHand = 0
  /// Old orders that stayed because their checkout was under way.
  var spared = 0
}
