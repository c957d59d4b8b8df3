import Model
import PartitionCore

extension OrdersMachine {
  /// Adds units of an item; the line's price becomes the given one.
  mutating func addItem(
    to id: OrderID, _ item: ItemID, _ quantity: Quantity, at price: Money, in context: borrowing ApplyContext
  ) -> Outcome {
    guard let order = orders[id] else { return .refused(.unknownOrder(id)) }
    if let refusal = order.refusalToChange(id) { return .refused(refusal) }
    let before = order.lines.first { $0.item == item }?.quantity ?? .zero
    guard let sum = before.adding(quantity) else { return .refused(.amountOutOfRange(id: item.text)) }
    return put(Order.Line(item: item, quantity: sum, price: price), into: order, id, in: context)
  }

  /// Sets an item's line to this many units, at the given price; without units the line disappears.
  mutating func setItem(
    in id: OrderID, _ item: ItemID, to quantity: Quantity, at price: Money, in context: borrowing ApplyContext
  ) -> Outcome {
    guard var order = orders[id] else { return .refused(.unknownOrder(id)) }
    if let refusal = order.refusalToChange(id) { return .refused(refusal) }
    guard quantity == .zero else {
      return put(Order.Line(item: item, quantity: quantity, price: price), into: order, id, in: context)
    }
    if let line = order.lines.firstIndex(where: { $0.item == item }) {
      order.lines.remove(at: line)
      order.changedAt = context.stamp
      orders.update(id, at: context.position) { $0 = order }
    }
    return .total(order.total ?? .zero)
  }

  /// Puts a line where the item's line is, or after all others.
  private mutating func put(
    _ line: Order.Line, into order: Order, _ id: OrderID, in context: borrowing ApplyContext
  ) -> Outcome {
    var order = order
    if let place = order.lines.firstIndex(where: { $0.item == line.item }) {
      order.lines[place] = line
    } else {
      guard order.lines.count < context.limits.orderLinesMax else { return .refused(.tooManyLines(id)) }
      order.lines.append(line)
    }
    guard let total = order.total else { return .refused(.amountOutOfRange(id: id.text)) }
    order.changedAt = context.stamp
    orders.update(id, at: context.position) { $0 = order }
    return .total(total)
  }

  /// Takes one unit away; a line without units disappears.
  mutating func removeItem(
    from id: OrderID, _ item: ItemID, in context: borrowing ApplyContext
  ) -> Outcome {
    guard var order = orders[id] else { return .refused(.unknownOrder(id)) }
    if let refusal = order.refusalToChange(id) { return .refused(refusal) }
    guard let line = order.lines.firstIndex(where: { $0.item == item }),
      let rest = order.lines[line].quantity.subtracting(.one)
    else { return .refused(.itemNotInOrder(id, item)) }
    if rest == .zero {
      order.lines.remove(at: line)
    } else {
      order.lines[line].quantity = rest
    }
    order.changedAt = context.stamp
    orders.update(id, at: context.position) { $0 = order }
    return .total(order.total ?? .zero)
  }
}
