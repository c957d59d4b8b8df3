import HTTPServer
import Model

/// What a request asks for.
enum RequestPlan: Hashable {
  case ask(Query)
  case submit(Command)
  /// The item's price must be known first.
  case price(LineChange)
  case batch(BatchPlan)
  /// Answered without any partition.
  case constant
}

/// A change of an order's line, still without the item's price.
struct LineChange: Hashable {
  let order: OrderID
  let item: ItemID
  let quantity: Quantity
  /// Whether the line gets this many units, whatever it has; else this many more.
  var isAbsolute = false

  func command(at price: Money) -> Command {
    .orders(
      isAbsolute
        ? .setItem(order, item, quantity, price: price) : .addItem(order, item, quantity, price: price))
  }
}

/// Where new ids come from.
protocol EntityIDSource {
  /// An id for something new, and whether a repetition of the request would get the same one.
  mutating func newID() -> (id: String, freshness: Freshness)
  /// As for ids, for the choices of a `batch_init`.
  mutating func newSeed() -> UInt64
}

extension RequestPlan {
  /// Reads the parameters of a path.
  /// - Throws: the first parameter that is malformed or out of range.
  init(
    _ route: Route, _ path: borrowing PathSegments, ids: inout some EntityIDSource
  ) throws(Problem) {
    switch route {
    case .ordersCreate, .ordersRemove, .ordersAddItem, .ordersAddQuantity, .ordersRemoveItem, .ordersSetItem,
      .ordersFind, .ordersItems, .ordersCheckout, .ordersBatchInit:
      self = try Self.orders(route, path, ids: &ids)
    case .stockCreate, .stockFind, .stockAdd, .stockSubtract, .stockBatchInit:
      self = try Self.stock(route, path, ids: &ids)
    case .paymentCreateUser, .paymentFindUser, .paymentAddFunds, .paymentPay, .paymentPayOrder, .paymentCancel,
      .paymentStatus, .paymentBatchInit:
      self = try Self.payment(route, path, ids: &ids)
    case .root, .openAPI, .problems, .unmatched:
      self = .constant
    }
  }

  private static func orders(
    _ route: Route, _ path: borrowing PathSegments, ids: inout some EntityIDSource
  ) throws(Problem) -> RequestPlan {
    switch route {
    case .ordersCreate:
      let user = try path.user(2)
      let (id, freshness) = ids.newID()
      return .submit(.orders(.create(OrderID(unchecked: id), user: user, freshness)))
    case .ordersRemove: return .submit(.orders(.remove(try path.order(2))))
    case .ordersAddItem:
      return .price(LineChange(order: try path.order(2), item: try path.item(3), quantity: .one))
    case .ordersAddQuantity:
      return .price(
        LineChange(
          order: try path.order(2), item: try path.item(3), quantity: try path.quantity(4, "quantity", atLeast: 1)))
    case .ordersSetItem:
      let line = LineChange(
        order: try path.order(2), item: try path.item(3), quantity: try path.quantity(4, "quantity"), isAbsolute: true)
      // Removing a line costs nothing, and the item need no longer exist.
      return line.quantity == .zero ? .submit(line.command(at: .zero)) : .price(line)
    case .ordersRemoveItem: return .submit(.orders(.removeItem(try path.order(2), try path.item(3))))
    case .ordersFind, .ordersItems: return .ask(.order(try path.order(2)))
    case .ordersBatchInit: return .batch(try .orders(path, ids: &ids))
    default: return .submit(.orders(.checkout(try path.order(2))))
    }
  }

  private static func stock(
    _ route: Route, _ path: borrowing PathSegments, ids: inout some EntityIDSource
  ) throws(Problem) -> RequestPlan {
    switch route {
    case .stockCreate:
      let price = try path.money(3, "price")
      let (id, freshness) = ids.newID()
      return .submit(.stock(.create(ItemID(unchecked: id), price: price, freshness)))
    case .stockAdd: return .submit(.stock(.add(try path.item(2), try path.quantity(3, "amount"))))
    case .stockSubtract: return .submit(.stock(.subtract(try path.item(2), try path.quantity(3, "amount"))))
    case .stockBatchInit: return .batch(try .stock(path))
    default: return .ask(.item(try path.item(2)))
    }
  }

  private static func payment(
    _ route: Route, _ path: borrowing PathSegments, ids: inout some EntityIDSource
  ) throws(Problem) -> RequestPlan {
    switch route {
    case .paymentCreateUser:
      let (id, freshness) = ids.newID()
      return .submit(.payments(.create(UserID(unchecked: id), freshness)))
    case .paymentAddFunds: return .submit(.payments(.addFunds(try path.user(2), try path.money(3, "amount"))))
    case .paymentPay: return .submit(.payments(.pay(try path.user(2), nil, try path.money(3, "amount"))))
    case .paymentPayOrder:
      return .submit(.payments(.pay(try path.user(2), try path.order(3), try path.money(4, "amount"))))
    case .paymentCancel: return .submit(.payments(.cancel(try path.user(2), try path.order(3))))
    case .paymentStatus: return .ask(.payment(try path.user(2), try path.order(3)))
    case .paymentBatchInit: return .batch(try .users(path))
    default: return .ask(.user(try path.user(2)))
    }
  }
}

extension Command {
  /// The partition whose log the command belongs to; nil for the parts of a `batch_init`, which go to all, and for a
  /// sweep, which nobody asks for.
  func partition(by partitioner: Partitioner) -> PartitionID? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)), .orders(.checkout(let id)):
      partitioner.partition(of: id)
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)):
      partitioner.partition(of: id)
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, _, _)),
      .payments(.cancel(let id, _)):
      partitioner.partition(of: id)
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }

  var isCreation: Bool {
    switch self {
    case .orders(.create), .stock(.create), .payments(.create): true
    default: false
    }
  }

  /// The path that shows what became of the command.
  var findOut: String? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)), .orders(.checkout(let id)):
      "/orders/find/\(id.text)"
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)):
      "/stock/find/\(id.text)"
    case .payments(.pay(let user, let order?, _)), .payments(.cancel(let user, let order)):
      "/payment/status/\(user.text)/\(order.text)"
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, nil, _)):
      "/payment/find_user/\(id.text)"
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }
}
