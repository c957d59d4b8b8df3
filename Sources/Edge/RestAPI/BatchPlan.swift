import Model

/// What a `batch_init` asks for, before it is cut into commands.
enum BatchPlan: Hashable {
  case orders(count: Int64, items: Int64, users: Int64, price: Money, seed: UInt64)
  case stock(count: Int64, stock: Quantity, price: Money)
  case users(count: Int64, credit: Money)

  /// How many entities it makes.
  var count: Int64 {
    switch self {
    case .orders(let count, _, _, _, _), .stock(let count, _, _), .users(let count, _): count
    }
  }

  var service: Service {
    switch self {
    case .orders: .orders
    case .stock: .stock
    case .users: .payments
    }
  }

  /// The command that makes those of `numbers` which belong to the partition that gets it.
  func command(for numbers: Range<Int64>) -> Command {
    switch self {
    case .orders(_, let items, let users, let price, let seed):
      .orders(
        .batchInit(
          OrderBatch(numbers: numbers, itemCount: items, userCount: users, itemPrice: price, seed: seed)))
    case .stock(_, let stock, let price): .stock(.batchInit(StockBatch(numbers: numbers, stock: stock, price: price)))
    case .users(_, let credit): .payments(.batchInit(UserBatch(numbers: numbers, credit: credit)))
    }
  }

  private static let countRange = 0...BatchLimits.entitiesMax

  static func orders(_ path: borrowing PathSegments, ids: inout IDSource) throws(Problem) -> BatchPlan {
    let count = try path.number(2, "n", in: countRange)
    // Orders need an item and a user to choose from.
    let least: Int64 = count > 0 ? 1 : 0
    let items = try path.number(3, "n_items", in: least...BatchLimits.entitiesMax)
    let users = try path.number(4, "n_users", in: least...BatchLimits.entitiesMax)
    // The two items of an order may be the same one; their total must be an amount.
    let price = try path.number(5, "item_price", in: 0...(Money.max / 2))
    return .orders(
      count: count, items: items, users: users, price: Money(unchecked: price), seed: ids.newSeed())
  }

  static func stock(_ path: borrowing PathSegments) throws(Problem) -> BatchPlan {
    .stock(
      count: try path.number(2, "n", in: countRange), stock: try path.quantity(3, "starting_stock"),
      price: try path.money(4, "item_price"))
  }

  static func users(_ path: borrowing PathSegments) throws(Problem) -> BatchPlan {
    .users(count: try path.number(2, "n", in: countRange), credit: try path.money(3, "starting_money"))
  }
}
