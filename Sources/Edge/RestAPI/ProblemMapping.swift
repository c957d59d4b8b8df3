import Model
import Runtime
import Problems

extension Problem {
  /// Says in HTTP why a partition refused a command.
  init(_ refusal: Refusal) {
    switch refusal {
    case .unknownOrder(let id): self = .unknownOrder(id)
    case .unknownItem(let id): self = .unknownItem(id)
    case .unknownUser(let id): self = .unknownUser(id)
    case .itemNotInOrder(let order, let item):
      self.init(
        .itemNotInOrder, "Order \(order) has no item \(item).", ("order_id", order.text), ("item_id", item.text))
    case .unknownPayment(let user, let order):
      self.init(
        .unknownPayment, "User \(user) did not pay for order \(order) by hand.", ("user_id", user.text),
        ("order_id", order.text))
    case .alreadyExists(let id):
      self.init(.alreadyExists, "\(id) exists and was not made by this request.", ("id", id))
    case .checkoutUnderWay(let id):
      self.init(.checkoutUnderWay, "Order \(id) is being checked out and cannot change.", ("order_id", id.text))
    case .orderPaid(let id):
      self.init(.orderPaid, "Order \(id) is paid and cannot change.", ("order_id", id.text))
    case .tooManyLines(let id):
      self.init(.tooManyLines, "Order \(id) has as many different items as an order can have.", ("order_id", id.text))
    case .tooManyJoined(let id):
      self.init(.tooManyJoined, "Too many requests already wait for order \(id).", ("order_id", id.text))
    case .lessInStock(let id):
      self.init(.lessInStock, "Not enough of item \(id) is in stock.", ("item_id", id.text))
    case .notEnoughCredit(let id):
      self.init(.notEnoughCredit, "User \(id) does not have enough credit.", ("user_id", id.text))
    case .paymentConflict(let id):
      self.init(
        .paymentConflict, "The payment for order \(id) belongs to its checkout or has another amount.",
        ("order_id", id.text))
    case .amountOutOfRange(let id):
      self.init(.sumOutOfRange, "A number of \(id) would leave the range 0 to \(Money.max).", ("id", id))
    case .checkoutFailed(let order, let failure): self.init(failure, of: order)
    case .idempotencyKeyReused(let key):
      self = .keyReused(key)
    }
  }

  static func unknownOrder(_ id: OrderID) -> Problem {
    Problem(.unknownOrder, "There is no order \(id).", ("order_id", id.text))
  }
  static func unknownItem(_ id: ItemID) -> Problem {
    Problem(.unknownItem, "There is no item \(id).", ("item_id", id.text))
  }
  static func unknownUser(_ id: UserID) -> Problem {
    Problem(.unknownUser, "There is no user \(id).", ("user_id", id.text))
  }
  static func keyReused(_ key: IdempotencyKey) -> Problem {
    Problem(
      .idempotencyKeyReused, "The idempotency key was used with another method or path.",
      ("idempotency_key", key.text))
  }

  /// Says why a checkout did not succeed.
  private init(_ failure: Failure, of order: OrderID) {
    switch failure {
    case .outOfStock(let id):
      self.init(
        .outOfStock, "Item \(id) is not available in the wanted quantity.", ("order_id", order.text),
        ("item_id", id.text))
    case .unknownItem(let id):
      self.init(
        .checkoutUnknownItem, "Item \(id) of the order does not exist.", ("order_id", order.text),
        ("item_id", id.text))
    case .outOfCredit(let id):
      self.init(
        .outOfCredit, "User \(id) has less credit than the order costs.", ("order_id", order.text),
        ("user_id", id.text))
    case .unknownUser(let id):
      self.init(
        .checkoutUnknownUser, "User \(id) of the order does not exist.", ("order_id", order.text),
        ("user_id", id.text))
    case .paymentConflict(let id):
      self.init(
        .paymentConflict, "Order \(id) was paid by hand with another amount than it costs.", ("order_id", id.text))
    case .tooManyWaiting(let id):
      self.init(
        .tooManyWaiting, "Too many buyers wait for item \(id); it may become available.", ("order_id", order.text),
        ("item_id", id.text))
    case .amountOutOfRange(let id):
      self.init(
        .sumOutOfRange, "A number of user \(id) would leave the range 0 to \(Money.max).", ("order_id", order.text),
        ("user_id", id.text), ("id", id.text))
    }
  }

  /// Says why a request was not accepted: nothing was appended.
  init(_ refusal: RequestRefusal) {
    switch refusal {
    case .overloaded: self.init(.overloaded, "A queue is full; the request was not taken.")
    case .stopping: self.init(.stopping, "The server is shutting down; the request was not taken.")
    case .starting: self.init(.starting, "The log is still being replayed; the request was not taken.")
    case .partitionStopped(let partition):
      self.init(
        .partitionStopped, "Partition \(partition) came to a record that it cannot apply, and waits for the operator.",
        ("partition", partition.description))
    case .undecidable:
      self.init(
        .partitionUnserved,
        "A partition that the request needs is unavailable, so nothing was started; try again later.")
    case .logFailed:
      self.init(.logFailed, "The log can no longer be written; what was answered before can still be read.")
    case .outcomeUnknown: self = .outcomeUnknown(of: nil, isRepeatable: false)
    }
  }

  /// Says that a command was accepted but its outcome is unknown.
  static func outcomeUnknown(of command: Command?, isRepeatable: Bool) -> Problem {
    let advice =
      isRepeatable
      ? "Repeat the request with the same Idempotency-Key to learn what became of it."
      : "Look before you repeat the request; an Idempotency-Key makes repeating safe."
    var problem = Problem(.outcomeUnknown, "The request may still take effect. " + advice)
    // Under a key the first request may have made another id than this one; repeating the request shows it.
    if !isRepeatable || command?.isCreation == false { problem.findOut = command?.findOut }
    return problem
  }

  static func methodNotAllowed(_ allow: String) -> Problem {
    var problem = Problem(.methodNotAllowed, "This path accepts \(allow).")
    problem.allow = allow
    return problem
  }

  static var readTimedOut: Problem {
    Problem(.timedOut, "The partition did not answer in time; nothing was changed.")
  }
}
