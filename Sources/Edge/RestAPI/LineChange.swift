import Model

/// A change of an order's line, still without the item's price.
struct LineChange: Hashable {
  let order: OrderID
  let item: ItemID
  let quantity: Quantity
  /// Whether the line gets this many units, whatever it has; else this many more.
  var isAbsolute = false

  var isRemoval: Bool { isAbsolute && quantity == .zero }

  func command(at price: Money) -> Command {
    .orders(
      isAbsolute
        ? .setItem(order, item, quantity, price: price) : .addItem(order, item, quantity, price: price))
  }
}
