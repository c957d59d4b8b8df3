/// A message from one partition to another: a step of a checkout, forwards or back.
public enum Message: Hashable, Sendable {
  /// To the stock partition of `slip.stops[stop]`: hold these lines, then pass the slip on.
  case reserve(Slip, stop: UInt16)
  /// To the user's payment partition: everything is held, take the money.
  case charge(Slip)
  /// To the order: the money is taken.
  case paid(AttemptID)
  /// To a stock partition: the money is taken, the held lines are sold.
  case commit(AttemptID)
  /// To the stock partition of `slip.stops[stop]`: give back what is held there, then pass on backwards.
  case release(Slip, stop: UInt16, Failure)
  /// To the order: nothing is held or taken now.
  case failed(AttemptID, Failure)
  /// To the user's payment partition: the order is removed, and so is what was paid for it.
  case forgetPayment(RemovedOrder)

  /// The routing slip it carries, if any.
  public var slip: Slip? {
    switch self {
    case .reserve(let slip, _), .charge(let slip), .release(let slip, _, _): slip
    case .paid, .commit, .failed, .forgetPayment: nil
    }
  }
}

extension Message {
  /// Whether somebody waits for what it brings about. Sold units count as held until the commit, and a removed order's
  /// payment is there a little longer, which harms nobody.
  public var isAwaited: Bool {
    switch self {
    case .commit, .forgetPayment: false
    case .reserve, .charge, .paid, .release, .failed: true
    }
  }
}

/// An order that a sweep removed, as the payments of its user hear of it.
public struct RemovedOrder: Hashable, Sendable {
  public let order: OrderID
  public let user: UserID
  /// What was paid or cancelled by hand after that time stays: nobody asked for the removal.
  public let before: Timestamp
  /// The checkout that paid it, and what it took; nil for an order that no checkout paid.
  public let paid: Receipt?

  /// A payment by the attempt of this number.
  public struct Receipt: Hashable, Sendable {
    public let attempt: UInt64
    public let amount: Money

    public init(attempt: UInt64, amount: Money) {
      self.attempt = attempt
      self.amount = amount
    }
  }

  public init(order: OrderID, user: UserID, before: Timestamp, paid: Receipt?) {
    self.order = order
    self.user = user
    self.before = before
    self.paid = paid
  }
}

/// Why a checkout attempt did not succeed.
public enum Failure: Hashable, Sendable {
  case outOfStock(ItemID)
  case unknownItem(ItemID)
  case outOfCredit(UserID)
  case unknownUser(UserID)
  /// The order was paid by hand, with another amount than it costs.
  case paymentConflict(OrderID)
  /// Too many buyers wait for the item; another try may succeed.
  case tooManyWaiting(ItemID)
  /// A number of the user's account would be out of range.
  case amountOutOfRange(UserID)
}

/// Where a message between partitions came from. A receiver keeps the highest position of each source partition and
/// drops what is not higher.
public struct SourcePosition: Hashable, Comparable, Sendable {
  /// The offset of the record that caused the message, in the source's log.
  public let offset: Int64
  /// Counts the messages that the record caused.
  public let index: UInt32

  public init(offset: Int64, index: UInt32) {
    self.offset = offset
    self.index = index
  }

  public static func < (a: SourcePosition, b: SourcePosition) -> Bool {
    a.offset == b.offset ? a.index < b.index : a.offset < b.offset
  }
}

/// A message as the receiver's log stores it.
public struct PartitionMessage: Hashable, Sendable {
  public let source: PartitionID
  public let position: SourcePosition
  public let message: Message

  public init(source: PartitionID, position: SourcePosition, message: Message) {
    self.source = source
    self.position = position
    self.message = message
  }
}
