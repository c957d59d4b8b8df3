/// A read that the owner of a key answers from memory.
public enum Query: Hashable, Sendable {
  case order(OrderID)
  case item(ItemID)
  case user(UserID)
  case payment(UserID, OrderID)

  public func partition(by partitioner: Partitioner) -> PartitionID {
    switch self {
    case .order(let id): partitioner.partition(of: id)
    case .item(let id): partitioner.partition(of: id)
    case .user(let id), .payment(let id, _): partitioner.partition(of: id)
    }
  }
}

/// The answer to a `Query`; nil if nothing with that id exists.
public enum View: Hashable, Sendable {
  case order(OrderView?)
  case item(ItemView?)
  case user(UserView?)
  /// Whether the user has paid for the order; nil if the user does not exist.
  case payment(isPaid: Bool?)
}

/// An order as clients see it.
public struct OrderView: Hashable, Sendable {
  /// An order's status.
  public enum Status: String, Hashable, Sendable {
    case open
    case checkingOut = "checking_out"
    case paid
  }

  public let id: OrderID
  public let user: UserID
  /// In the order in which the items were first added.
  public let lines: [Slip.Line]
  public let total: Money
  public let status: Status

  public init(id: OrderID, user: UserID, lines: [Slip.Line], total: Money, status: Status) {
    self.id = id
    self.user = user
    self.lines = lines
    self.total = total
    self.status = status
  }
}

/// An item as clients see it.
public struct ItemView: Hashable, Sendable {
  /// What can still be sold: neither held by a checkout nor sold.
  public let available: Quantity
  public let price: Money

  public init(available: Quantity, price: Money) {
    self.available = available
    self.price = price
  }
}

/// A user as clients see it.
public struct UserView: Hashable, Sendable {
  public let id: UserID
  public let credit: Money

  public init(id: UserID, credit: Money) {
    self.id = id
    self.credit = credit
  }
}
