/// What a client asks of one partition. It contains ids, times and prices, set by whoever took the request, so that
/// applying a command needs no clock, no randomness and no other service.
public enum Command: Hashable, Sendable {
  case orders(OrderCommand)
  case stock(StockCommand)
  case payments(PaymentCommand)

  public var service: Service {
    switch self {
    case .orders: .orders
    case .stock: .stock
    case .payments: .payments
    }
  }
}

/// Whether the id of something to be created may already exist.
public enum Freshness: UInt8, Hashable, Sendable {
  /// Randomly made for this command: nothing with that id exists, so no lookup is needed.
  case random = 0
  /// Derived from an idempotency key: a repetition finds what the first request created.
  case derived = 1
}

/// A change of one order.
public enum OrderCommand: Hashable, Sendable {
  case create(OrderID, user: UserID, Freshness)
  case remove(OrderID)
  /// Adds units to the order's line of the item, at the stock service's price.
  case addItem(OrderID, ItemID, Quantity, price: Money)
  /// Takes one unit away.
  case removeItem(OrderID, ItemID)
  /// Sets the order's line of the item to this many units, at the stock service's price; 0 removes the line, at any
  /// price. Idempotent.
  case setItem(OrderID, ItemID, Quantity, price: Money)
  case checkout(OrderID)
  case batchInit(OrderBatch)
  /// Removes those of these orders that have not changed for as long as `RuleLimits` retain them, with their payments;
  /// an order whose age is unknown begins to age. No client sends it: the partition's owner does, for itself.
  /// At most `SweepLimits.ordersMax`.
  case sweep([OrderID])
}

/// A change of one item.
public enum StockCommand: Hashable, Sendable {
  case create(ItemID, price: Money, Freshness)
  case add(ItemID, Quantity)
  case subtract(ItemID, Quantity)
  case batchInit(StockBatch)
}

/// A change of one user's credit.
public enum PaymentCommand: Hashable, Sendable {
  case create(UserID, Freshness)
  case addFunds(UserID, Money)
  /// Takes money; with an order the payment is recorded, made only once, and can be cancelled.
  case pay(UserID, OrderID?, Money)
  case cancel(UserID, OrderID)
  case batchInit(UserBatch)
}

/// The part of a `batch_init` that belongs to one partition: the ids of `numbers` whose keys it owns.
///
/// The numbers themselves are the ids ("0", "1", …). One command spans at most `BatchLimits.numbersMax` numbers.
public struct OrderBatch: Hashable, Sendable {
  public let numbers: Range<Int64>
  /// Items "0" ..< this; two random ones go into each order.
  public let itemCount: Int64
  /// Users "0" ..< this; a random one owns each order.
  public let userCount: Int64
  public let itemPrice: Money
  /// Drives the random choices, so that a replay makes the same ones.
  public let seed: UInt64

  public init(numbers: Range<Int64>, itemCount: Int64, userCount: Int64, itemPrice: Money, seed: UInt64) {
    self.numbers = numbers
    self.itemCount = itemCount
    self.userCount = userCount
    self.itemPrice = itemPrice
    self.seed = seed
  }
}

/// As `OrderBatch`, for items.
public struct StockBatch: Hashable, Sendable {
  public let numbers: Range<Int64>
  public let stock: Quantity
  public let price: Money

  public init(numbers: Range<Int64>, stock: Quantity, price: Money) {
    self.numbers = numbers
    self.stock = stock
    self.price = price
  }
}

/// As `OrderBatch`, for users.
public struct UserBatch: Hashable, Sendable {
  public let numbers: Range<Int64>
  public let credit: Money

  public init(numbers: Range<Int64>, credit: Money) {
    self.numbers = numbers
    self.credit = credit
  }
}

/// Bounds of `batch_init`.
public enum BatchLimits {
  /// The most numbers that one command spans; about an eighth of them belong to one of 8 partitions.
  public static let numbersMax: Int64 = 8_192
  /// The most entities of one `batch_init` request.
  public static let entitiesMax: Int64 = 10_000_000
}

/// Bounds of `OrderCommand.sweep`.
public enum SweepLimits {
  /// The most orders that one command looks at.
  public static let ordersMax = 256
}

/// A client's command as the log stores it.
public struct ClientCommand: Hashable, Sendable {
  /// Who waits for the outcome.
  public let request: RequestID
  public let idempotency: IdempotencyToken?
  public let trace: TraceContext?
  public let command: Command

  public init(request: RequestID, idempotency: IdempotencyToken?, trace: TraceContext?, command: Command) {
    self.request = request
    self.idempotency = idempotency
    self.trace = trace
    self.command = command
  }
}

/// An idempotency key together with what it was used for.
public struct IdempotencyToken: Hashable, Sendable {
  public let key: IdempotencyKey
  /// A hash of the request's method and path: the same key with another fingerprint is refused.
  public let fingerprint: UInt64

  public init(key: IdempotencyKey, fingerprint: UInt64) {
    self.key = key
    self.fingerprint = fingerprint
  }
}
