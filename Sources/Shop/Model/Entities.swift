/// Names what a partition keeps in memory and in its store. One key, one row.
public enum EntityKey: Hashable, Sendable {
  case order(OrderID)
  case item(ItemID)
  case hold(AttemptID)
  case user(UserID)
  case payment(UserID, OrderID)
  case idempotency(IdempotencyKey)

  /// The service in whose partitions the entity lives; nil for idempotency keys, which every service has.
  public var service: Service? {
    switch self {
    case .order: .orders
    case .item, .hold: .stock
    case .user, .payment: .payments
    case .idempotency: nil
    }
  }
}

/// The value of an `EntityKey`.
public enum Entity: Hashable, Sendable {
  case order(Order)
  case item(Item)
  case hold(Hold)
  case user(User)
  case payment(Payment)
  case idempotency(IdempotencyRecord)
}

/// A request that waits for a checkout to end.
public struct Waiter: Hashable, Sendable {
  public let request: RequestID
  /// The key under which to remember the outcome.
  public let idempotency: IdempotencyToken?

  public init(request: RequestID, idempotency: IdempotencyToken?) {
    self.request = request
    self.idempotency = idempotency
  }
}

/// A cart, then a purchase.
///
/// ```
/// open ──checkout──► checkingOut ──paid──► paid
///   ▲                     │
///   └───────failed────────┘
/// ```
public struct Order: Hashable, Sendable {
  public enum Status: UInt8, Hashable, Sendable {
    /// Lines can change. Can transition to: checkingOut, or be removed.
    case open = 0
    /// The lines are frozen and attempt `attempt` is under way. Can transition to: paid, open.
    case checkingOut = 1
    /// Final.
    case paid = 2
  }

  /// A number of units of an item, at its price when it was last added.
  public struct Line: Hashable, Sendable {
    public let item: ItemID
    public var quantity: Quantity
    public var price: Money

    public init(item: ItemID, quantity: Quantity, price: Money) {
      self.item = item
      self.quantity = quantity
      self.price = price
    }
  }

  public let user: UserID
  /// At most one line per item, in order of first addition.
  public var lines: [Line]
  public var status: Status
  /// The number of the newest checkout attempt; 0 before the first.
  public var attempt: UInt64
  /// Those waiting for the attempt under way; empty in any other status.
  public var waiters: [Waiter]
  /// The partition's time when it last changed; nil if that was under the rules before `Rules.retention`.
  public var changedAt: Timestamp?

  public init(
    user: UserID, lines: [Line] = [], status: Status = .open, attempt: UInt64 = 0, waiters: [Waiter] = [],
    changedAt: Timestamp? = nil
  ) {
    self.user = user
    self.lines = lines
    self.status = status
    self.attempt = attempt
    self.waiters = waiters
    self.changedAt = changedAt
  }
}

/// The stock of one item. Always: `received = available + held + sold`.
public struct Item: Hashable, Sendable {
  public var price: Money
  /// Neither held nor sold.
  public var available: Quantity
  /// Held by checkouts under way.
  public var held: Quantity
  public var sold: Quantity
  /// Everything ever added less everything subtracted.
  public var received: Quantity
  /// The attempts waiting for units of this item, first in first out; each is a parked `Hold`.
  public var parked: [AttemptID]

  public init(
    price: Money, available: Quantity = .zero, held: Quantity = .zero, sold: Quantity = .zero,
    received: Quantity = .zero, parked: [AttemptID] = []
  ) {
    self.price = price
    self.available = available
    self.held = held
    self.sold = sold
    self.received = received
    self.parked = parked
  }
}

/// What one checkout attempt holds, or waits to hold, at one stock partition. It exists until it is resolved, which
/// happens once.
///
/// ```
/// reserve ─► parked ─► held ─► committed (gone)
///    │          │        └───► released  (gone)
///    └──────────┴─► refused (gone)
/// ```
public struct Hold: Hashable, Sendable {
  public enum Status: UInt8, Hashable, Sendable {
    /// Nothing is held yet; it is in the queue of each of its items. Can transition to: held, refused.
    case parked = 0
    /// All lines are held. Can transition to: committed, released.
    case held = 1
  }

  public let slip: Slip
  /// The slip's stop for which this hold is.
  public let stop: UInt16
  public var status: Status

  public init(slip: Slip, stop: UInt16, status: Status) {
    self.slip = slip
    self.stop = stop
    self.status = status
  }

  /// The lines held or waited for; empty if the stop does not exist, which never happens in our own records.
  public var lines: [Slip.Line] {
    Int(stop) < slip.stops.count ? slip.stops[Int(stop)].lines : []
  }
}

/// The account of one user. Always: `credit = deposited − spent`.
public struct User: Hashable, Sendable {
  public var credit: Money
  /// Everything ever added.
  public var deposited: Money
  /// Everything taken less everything refunded.
  public var spent: Money
  /// The part of `spent` that was paid without naming an order, or for one that is not known any more.
  public var spentWithoutOrder: Money
  /// How many `Payment`s by hand the user has had; if 0, a charge need not look for one.
  public var paymentsByHand: UInt32
  /// How often a `batch_init` has reset the account: payments of earlier eras no longer count.
  public var era: UInt32

  public init(
    credit: Money = .zero, deposited: Money = .zero, spent: Money = .zero, spentWithoutOrder: Money = .zero,
    paymentsByHand: UInt32 = 0, era: UInt32 = 0
  ) {
    self.credit = credit
    self.deposited = deposited
    self.spent = spent
    self.spentWithoutOrder = spentWithoutOrder
    self.paymentsByHand = paymentsByHand
    self.era = era
  }
}

/// Money taken from a user for an order.
public struct Payment: Hashable, Sendable {
  public enum Status: UInt8, Hashable, Sendable {
    /// Paid by hand. Can transition to: refunded, checkout (adopted by the order's checkout).
    case byHand = 0
    /// Taken by the order's checkout. Final.
    case checkout = 1
    /// Paid by hand and given back. Can transition to: byHand (paid again), checkout.
    case refunded = 2
  }

  public var amount: Money
  public var status: Status
  /// The era of the user's account that it was made in.
  public var era: UInt32
  /// The number of the checkout's attempt that took or adopted it; 0 before, and under the rules before
  /// `Rules.eras`.
  public var attempt: UInt64
  /// The partition's time when it was paid or cancelled by hand; nil for a checkout's, and under the rules before
  /// `Rules.retention`.
  public var changedAt: Timestamp?

  public init(
    amount: Money, status: Status, era: UInt32 = 0, attempt: UInt64 = 0, changedAt: Timestamp? = nil
  ) {
    self.amount = amount
    self.status = status
    self.era = era
    self.attempt = attempt
    self.changedAt = changedAt
  }
}

/// What was done under an idempotency key.
public struct IdempotencyRecord: Hashable, Sendable {
  public let fingerprint: UInt64
  /// nil while the request is under way.
  public var outcome: Outcome?
  /// The record counts as forgotten from this partition time on.
  public var expiry: Timestamp

  public init(fingerprint: UInt64, outcome: Outcome?, expiry: Timestamp) {
    self.fingerprint = fingerprint
    self.outcome = outcome
    self.expiry = expiry
  }
}

/// The running totals of one partition, for auditing conservation across services. Sums wrap at 64 bits, so an audit
/// compares them modulo 2^64 and no sum can trap.
public struct Ledger: Hashable, Sendable {
  /// Orders: the cost of all orders ever paid by checkout; payments: what checkouts ever took.
  public var checkoutMoney: UInt64 = 0
  /// Orders and payments: how many such checkouts there were.
  public var checkouts: UInt64 = 0
  /// Orders: units of all orders ever paid; stock: units ever sold.
  public var unitsSold: UInt64 = 0
  /// Orders: the number of the partition's newest checkout attempt; 0 before the first under `Rules.eras`.
  public var attempts: UInt64 = 0
  /// Orders: how many orders sweeps have removed.
  public var removedOrders: UInt64 = 0
  /// Orders: how many of these a checkout had paid; payments: how many such payments were forgotten.
  public var removedCheckouts: UInt64 = 0
  /// Orders: what these cost; payments: what was taken for those.
  public var removedMoney: UInt64 = 0

  public init() {}
}
