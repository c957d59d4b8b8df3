import Model
import PartitionCore

// The checkout saga starts and ends here. Start: freeze the cart, open an attempt, send the routing slip to the first
// stop (or straight to the payment if the cart is empty). End: `paid` comes from the payment, `failed` comes back along
// the slip after everything held has been released. Both name the attempt, so that a message of an older attempt
// changes nothing.

extension OrdersMachine {
  mutating func checkout(_ id: OrderID, from waiter: Waiter, in context: inout ApplyContext) -> Outcome? {
    guard let order = orders[id] else { return .refused(.unknownOrder(id)) }
    switch order.status {
    case .paid:
      return .done
    case .checkingOut:
      guard order.waiters.count < context.limits.orderWaitersMax else { return .refused(.tooManyJoined(id)) }
      orders.update(id, at: context.position) { $0?.waiters.append(waiter) }
      return nil
    case .open:
      guard let total = order.total else { return .refused(.amountOutOfRange(id: id.text)) }
      guard let attempt = nextAttempt(of: order, under: context.rules) else {
        return .refused(.amountOutOfRange(id: id.text))
      }
      let stamp = context.stamp
      orders.update(id, at: context.position) { order in
        order?.changedAt = stamp
        order?.status = .checkingOut
        order?.attempt = attempt
        order?.waiters = [waiter]
      }
      send(order, AttemptID(order: id, number: attempt), total, in: &context)
      return nil
    }
  }

  /// The number of the attempt that begins now; nil when there are no more.
  ///
  /// An order that is removed and created again would count from 1 again, so the partition counts, and begins above all
  /// that orders have counted in 32 bits.
  private mutating func nextAttempt(of order: Order, under rules: UInt32) -> UInt64? {
    guard rules >= Rules.eras else { return order.attempt < AttemptID.ofOrderMax ? order.attempt + 1 : nil }
    let (attempt, overflow) = max(ledger.attempts, AttemptID.ofOrderMax).addingReportingOverflow(1)
    guard !overflow else { return nil }
    ledger.attempts = attempt
    return attempt
  }

  private func send(_ order: Order, _ attempt: AttemptID, _ total: Money, in context: inout ApplyContext) {
    let slip = Slip(
      attempt: attempt, user: order.user, total: total, stops: stops(of: order.lines), trace: context.trace)
    if let first = slip.stops.first {
      context.send(.reserve(slip, stop: 0), to: PartitionID(.stock, first.partition))
    } else {
      context.send(.charge(slip), to: partitioner.partition(of: order.user))
    }
  }

  /// The lines by stock partition, ascending by (partition, item): this order makes circular waits impossible.
  private func stops(of lines: [Order.Line]) -> [Slip.Stop] {
    let placed = lines.map { (partition: partitioner.index(of: $0.item.text), line: $0) }
      .sorted { ($0.partition, $0.line.item) < ($1.partition, $1.line.item) }
    var stops: [Slip.Stop] = []
    var start = placed.startIndex
    while start < placed.endIndex {
      let partition = placed[start].partition
      let end = placed[start...].firstIndex { $0.partition != partition } ?? placed.endIndex
      stops.append(
        Slip.Stop(
          partition: partition,
          lines: placed[start..<end].map { Slip.Line(item: $0.line.item, quantity: $0.line.quantity) }))
      start = end
    }
    return stops
  }

  /// The money is taken: the order is finally paid, and everybody who waits is notified.
  mutating func paid(_ attempt: AttemptID, in context: inout ApplyContext) {
    guard let order = orders[attempt.order], order.isUnderWay(attempt) else { return }
    let stamp = context.stamp
    orders.update(attempt.order, at: context.position) { order in
      order?.changedAt = stamp
      order?.status = .paid
      order?.waiters = []
    }
    ledger.checkouts &+= 1
    ledger.checkoutMoney &+= UInt64((order.total ?? .zero).value)
    ledger.unitsSold &+= order.units
    for waiter in order.waiters { context.complete(waiter, .done) }
  }

  /// Nothing is held or taken: the cart is open again, and everybody who waits is answered with the reason.
  mutating func failed(_ attempt: AttemptID, _ failure: Failure, in context: inout ApplyContext) {
    guard let order = orders[attempt.order], order.isUnderWay(attempt) else { return }
    let stamp = context.stamp
    orders.update(attempt.order, at: context.position) { order in
      order?.changedAt = stamp
      order?.status = .open
      order?.waiters = []
    }
    for waiter in order.waiters {
      context.complete(waiter, .refused(.checkoutFailed(attempt.order, failure)))
    }
  }
}

extension Order {
  fileprivate func isUnderWay(_ attempt: AttemptID) -> Bool {
    status == .checkingOut && self.attempt == attempt.number
  }
}
