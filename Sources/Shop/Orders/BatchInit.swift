import Model
import PartitionCore

extension OrdersMachine {
  /// Recreates this partition's orders of the batch, each open with one unit of two random items.
  ///
  /// All or none: if one of them is being checked out, the whole command is refused. Attempt numbers continue, so that
  /// a late message of an old attempt cannot be taken for one of a new attempt.
  mutating func batchInit(_ batch: OrderBatch, in context: borrowing ApplyContext) -> Outcome {
    guard batch.itemPrice.times(Quantity(unchecked: 2)) != nil else {
      return .refused(.amountOutOfRange(id: "item_price"))
    }
    let own = batch.numbers.map { (number: $0, id: OrderID(unchecked: String($0))) }.filter { owns($0.id) }
    for (_, id) in own {
      if orders[id]?.status == .checkingOut { return .refused(.checkoutUnderWay(id)) }
    }
    var changed: UInt64 = 0
    for (number, id) in own {
      var random = SplitMix64(seed: batch.seed &+ UInt64(bitPattern: number))
      let user = random.next(below: batch.userCount)
      let first = random.next(below: batch.itemCount)
      let second = random.next(below: batch.itemCount)
      let known = orders[id]
      var order = Order(
        user: UserID(unchecked: String(user)), lines: lines(of: first, second, at: batch.itemPrice),
        attempt: known?.attempt ?? 0, changedAt: known?.changedAt)
      if known != order { changed += 1 }
      order.changedAt = context.stamp
      orders.update(id, at: context.position) { $0 = order }
    }
    return context.changed(changed)
  }

  private func lines(of first: Int64, _ second: Int64, at price: Money) -> [Order.Line] {
    let item = ItemID(unchecked: String(first))
    if first == second { return [Order.Line(item: item, quantity: Quantity(unchecked: 2), price: price)] }
    return [
      Order.Line(item: item, quantity: .one, price: price),
      Order.Line(item: ItemID(unchecked: String(second)), quantity: .one, price: price),
    ]
  }
}
