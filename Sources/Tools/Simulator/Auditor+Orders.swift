import Model
import PartitionCore

// The rules for orders, written a second time.

extension Auditor {
  func decide(_ command: OrderCommand, _ waiter: Waiter) -> Outcome? {
    switch command {
    case .create(let id, let user, _):
      if orders[id] != nil { return .refused(.alreadyExists(id: id.text)) }
      set(id, stamped(Order(user: user)))
      return .created(id: id.text)
    case .remove(let id):
      if let refusal = refusalToChange(id) { return .refused(refusal) }
      set(id, nil)
      return .done
    case .addItem(let id, let item, let quantity, let price):
      if let refusal = refusalToChange(id) { return .refused(refusal) }
      return add(item, quantity.value, at: price, to: id)
    case .removeItem(let id, let item):
      if let refusal = refusalToChange(id) { return .refused(refusal) }
      return removeOne(item, from: id)
    case .setItem(let id, let item, let quantity, let price):
      if let refusal = refusalToChange(id) { return .refused(refusal) }
      return replace(item, by: quantity.value, at: price, in: id)
    case .checkout(let id): return checkout(id, waiter)
    case .batchInit(let batch): return batchInit(batch)
    case .sweep(let ids): return sweep(ids)
    }
  }

  /// Under the newest rules an order knows when it last changed.
  private func stamped(_ order: Order) -> Order {
    var order = order
    order.changedAt = stamp
    return order
  }

  private func refusalToChange(_ id: OrderID) -> Refusal? {
    guard let order = orders[id] else { return .unknownOrder(id) }
    switch order.status {
    case .checkingOut: return .checkoutUnderWay(id)
    case .paid: return .orderPaid(id)
    case .open: return nil
    }
  }

  func set(_ id: OrderID, _ order: Order?) {
    orders[id] = order
    guard let order else { return touched(.order(id), .order(nil)) }
    let status: OrderView.Status = [.open: .open, .checkingOut: .checkingOut, .paid: .paid][order.status] ?? .open
    touched(
      .order(id),
      .order(
        OrderView(
          id: id, user: order.user, lines: order.lines.map { Slip.Line(item: $0.item, quantity: $0.quantity) },
          total: Money(unchecked: Self.total(order.lines) ?? 0), status: status)))
  }

  static func total(_ lines: [Order.Line]) -> Int64? {
    var total: Int64? = 0
    for line in lines {
      let (cost, overflow) = line.price.value.multipliedReportingOverflow(by: line.quantity.value)
      if overflow || cost > Money.max { return nil }
      total = total.flatMap { sum($0, cost) }
    }
    return total
  }

  private func add(_ item: ItemID, _ quantity: Int64, at price: Money, to id: OrderID) -> Outcome? {
    guard var order = orders[id] else { return nil }
    let others = order.lines.filter { $0.item != item }
    let before = order.lines.first { $0.item == item }?.quantity.value ?? 0
    if before == 0 && others.count >= limits[current.slot].orderLinesMax { return .refused(.tooManyLines(id)) }
    guard let units = Self.sum(before, quantity) else { return .refused(.amountOutOfRange(id: item.text)) }
    let line = Order.Line(item: item, quantity: Quantity(unchecked: units), price: price)
    if before == 0 {
      order.lines.append(line)
    } else {
      order.lines = order.lines.map { $0.item == item ? line : $0 }
    }
    guard let total = Self.total(order.lines) else { return .refused(.amountOutOfRange(id: id.text)) }
    set(id, stamped(order))
    return .total(Money(unchecked: total))
  }

  private func replace(_ item: ItemID, by quantity: Int64, at price: Money, in id: OrderID) -> Outcome? {
    guard var order = orders[id] else { return nil }
    let line = Order.Line(item: item, quantity: Quantity(unchecked: quantity), price: price)
    let isNew = !order.lines.contains { $0.item == item }
    if quantity > 0, isNew, order.lines.count >= limits[current.slot].orderLinesMax {
      return .refused(.tooManyLines(id))
    }
    order.lines = order.lines.map { $0.item == item ? line : $0 } + (isNew ? [line] : [])
    order.lines.removeAll { $0.quantity.value == 0 }
    guard let total = Self.total(order.lines) else { return .refused(.amountOutOfRange(id: id.text)) }
    // Nothing is there to be taken away.
    set(id, isNew && quantity == 0 ? order : stamped(order))
    return .total(Money(unchecked: total))
  }

  private func removeOne(_ item: ItemID, from id: OrderID) -> Outcome? {
    guard var order = orders[id] else { return nil }
    guard order.lines.contains(where: { $0.item == item }) else { return .refused(.itemNotInOrder(id, item)) }
    order.lines = order.lines.compactMap { line in
      if line.item != item { return line }
      let rest = Quantity(unchecked: line.quantity.value - 1)
      return rest.value == 0 ? nil : Order.Line(item: item, quantity: rest, price: line.price)
    }
    set(id, stamped(order))
    return .total(Money(unchecked: Self.total(order.lines) ?? 0))
  }

  private func checkout(_ id: OrderID, _ waiter: Waiter) -> Outcome? {
    guard var order = orders[id] else { return .refused(.unknownOrder(id)) }
    switch order.status {
    case .paid: return .done
    case .checkingOut:
      if order.waiters.count >= limits[current.slot].orderWaitersMax { return .refused(.tooManyJoined(id)) }
      order.waiters.append(waiter)
      set(id, order)
    case .open:
      order.status = .checkingOut
      order.attempt = nextAttempt(of: order)
      order.waiters = [waiter]
      set(id, stamped(order))
      let attempt = AttemptID(order: id, number: order.attempt)
      var wanted: [UInt16: [Slip.Line]] = [:]
      for line in order.lines {
        wanted[layout.partitioner.index(of: line.item.text), default: []]
          .append(Slip.Line(item: line.item, quantity: line.quantity))
      }
      let slip = Slip(
        attempt: attempt, user: order.user, total: Money(unchecked: Self.total(order.lines) ?? 0),
        stops: wanted.keys.sorted().map { partition in
          Slip.Stop(partition: partition, lines: (wanted[partition] ?? []).sorted { $0.item < $1.item })
        }, trace: trace)
      forward(slip, to: 0)
    }
    return nil
  }

  /// Numbers are used once in a partition; of the first rules, once for each order.
  private func nextAttempt(of order: Order) -> UInt64 {
    guard rules[current.slot] >= 3 else { return order.attempt + 1 }
    let index = Int(layout.partitions[current.slot].index)
    attempts[index] = attempts[index] == 0 ? 1 << 32 : attempts[index] + 1
    return attempts[index]
  }

  /// The checkout's end; every waiting request is answered.
  func end(_ attempt: AttemptID, _ failure: Failure?) {
    let id = attempt.order
    guard var order = orders[id], order.status == .checkingOut, order.attempt == attempt.number else {
      return fail("\(attempt) ended and was not under way")
    }
    let waiters = order.waiters
    order.waiters = []
    order.status = failure == nil ? .paid : .open
    set(id, stamped(order))
    if failure == nil {
      paidCount += 1
      paidMoney += Self.total(order.lines) ?? 0
      paidUnits += order.lines.reduce(0) { $0 + $1.quantity.value }
    }
    for waiter in waiters { finish(waiter, failure.map { .refused(.checkoutFailed(id, $0)) } ?? .done) }
  }

  private func batchInit(_ batch: OrderBatch) -> Outcome {
    guard batch.itemPrice.value <= Money.max / 2 else { return .refused(.amountOutOfRange(id: "item_price")) }
    let own = batch.numbers.filter { slot(of: OrderID(unchecked: String($0))) == current.slot }
    for number in own where orders[OrderID(unchecked: String(number))]?.status == .checkingOut {
      return .refused(.checkoutUnderWay(OrderID(unchecked: String(number))))
    }
    var changed: UInt64 = 0
    for number in own {
      var random = SeededRandom(seed: batch.seed &+ UInt64(bitPattern: number))
      let user = random.below(Int(batch.userCount))
      let chosen = [random.below(Int(batch.itemCount)), random.below(Int(batch.itemCount))]
      let id = OrderID(unchecked: String(number))
      let lines = (chosen[0] == chosen[1] ? [chosen[0]] : chosen).map { item in
        Order.Line(
          item: ItemID(unchecked: String(item)),
          quantity: Quantity(unchecked: chosen[0] == chosen[1] ? 2 : 1), price: batch.itemPrice)
      }
      let order = Order(
        user: UserID(unchecked: String(user)), lines: lines, attempt: orders[id]?.attempt ?? 0,
        changedAt: orders[id]?.changedAt)
      if orders[id] != order { changed += 1 }
      set(id, stamped(order))
    }
    return ended(changed)
  }

  /// How a `batch_init` ends that made so many entities different.
  func ended(_ changed: UInt64) -> Outcome { rules[current.slot] >= 3 ? .changed(changed) : .done }

  func slot(of id: OrderID) -> Int { layout.slot(layout.partitioner.partition(of: id)) }
}
