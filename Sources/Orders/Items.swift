import Model
import PartitionCore

extension OrdersMachine {
  /// Adds units of an item; the line's price becomes the one told now.
  mutating func addItem(
    to id: OrderID, _ item: ItemID, _ quantity: Quantity, at price: Money, in context: borrowing ApplyContext
  ) -> Outcome {
    guard var order = orders[id] else { return .refused(.unknownOrder(id)) }
    if let refusal = order.refusalToChange(id) { return .refused(refusal) }
    if let line = order.lines.firstIndex(where: { $0.item == item }) {
      guard let sum = order.lines[line].quantity.adding(quantity) else {
        return .refused(.amountOutOfRange(id: item.text))
      }
      order.lines[line].quantity = sum
      order.lines[line].price = price
    } else {
      guard order.lines.count < context.limits.orderLinesMax else { return .refused(.tooManyLines(id)) }
      order.lines.append(Order.Line(item: item, quantity: quantity, price: price))
    }
    guard let total = order.total else { return .refused(.amountOutOfRange(id: id.text)) }
    orders.update(id, at: context.position) { $0 = order }
    return .total(total)
  }

  /// Takes one unit away; a line without units disappears.
  mutating func removeItem(from id: OrderID, _ item: ItemID, at position: LogPosition) -> Outcome {
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
    orders.update(id, at: position) { $0 = order }
    return .total(order.total ?? .zero)
  }
}
