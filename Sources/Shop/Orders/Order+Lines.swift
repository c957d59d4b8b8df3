import Model
import PartitionCore

extension Order {
  /// What the order costs, or nil past 2^53−1, which no command allows.
  var total: Money? {
    var total = Money.zero
    for line in lines {
      guard let cost = line.price.times(line.quantity), let sum = total.adding(cost) else { return nil }
      total = sum
    }
    return total
  }

  /// All units of all lines; wraps around.
  var units: UInt64 {
    lines.reduce(0) { $0 &+ UInt64($1.quantity.value) }
  }

  func view(as id: OrderID) -> OrderView {
    let status: OrderView.Status =
      switch self.status {
      case .open: .open
      case .checkingOut: .checkingOut
      case .paid: .paid
      }
    return OrderView(
      id: id, user: user, lines: lines.map { Slip.Line(item: $0.item, quantity: $0.quantity) },
      total: total ?? .zero, status: status)
  }

  /// Why the lines cannot change now; nil if they can.
  func refusalToChange(_ id: OrderID) -> Refusal? {
    switch status {
    case .open: nil
    case .checkingOut: .checkoutUnderWay(id)
    case .paid: .orderPaid(id)
    }
  }
}
