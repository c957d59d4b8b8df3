/// The result of a command.
public enum Outcome: Hashable, Sendable {
  /// It is done, without further details.
  case done
  /// The order, item or user exists now.
  case created(id: String)
  /// The order's lines changed; this is what it costs now.
  case total(Money)
  /// A `batch_init` is done: this many entities of the partition are now different.
  case changed(UInt64)
  /// It changed nothing, for this reason.
  case refused(Refusal)
}

/// Why a command was refused. A refusal changes nothing.
public enum Refusal: Hashable, Sendable {
  case unknownOrder(OrderID)
  case unknownItem(ItemID)
  case unknownUser(UserID)
  /// The order has no line of the item.
  case itemNotInOrder(OrderID, ItemID)
  /// The user never paid for the order by hand.
  case unknownPayment(UserID, OrderID)

  /// An order, item or user with this id exists and was not created by this request.
  case alreadyExists(id: String)
  case checkoutUnderWay(OrderID)
  case orderPaid(OrderID)
  /// The order has as many different items as an order can have.
  case tooManyLines(OrderID)
  /// Too many requests already wait for the order's checkout; try again.
  case tooManyJoined(OrderID)
  /// Less of the item is available than should be subtracted.
  case lessInStock(ItemID)
  case notEnoughCredit(UserID)
  /// The payment belongs to a checkout, or was made with another amount.
  case paymentConflict(OrderID)
  /// A number would leave 0…2^53−1; `id` names its entity.
  case amountOutOfRange(id: String)
  /// A checkout did not succeed; stock and credit are as before.
  case checkoutFailed(OrderID, Failure)

  /// The idempotency key was used for another request.
  case idempotencyKeyReused(IdempotencyKey)

  /// Whether the same request may succeed a moment later, so that the refusal is not remembered as its outcome.
  ///
  /// - Parameter rules: under the oldest ones a key kept "a checkout is under way".
  public func isTransient(under rules: UInt32) -> Bool {
    switch self {
    case .checkoutUnderWay: rules > Rules.oldest
    case .tooManyJoined, .checkoutFailed(_, .tooManyWaiting): true
    default: false
    }
  }
}

/// The outcome of a request in transit to whoever waits for it.
public struct Reply: Hashable, Sendable {
  public let request: RequestID
  public let outcome: Outcome
  /// The outcome was remembered under an idempotency key; nothing was done this time.
  public let isReplayed: Bool

  public init(request: RequestID, outcome: Outcome, isReplayed: Bool = false) {
    self.request = request
    self.outcome = outcome
    self.isReplayed = isReplayed
  }
}
