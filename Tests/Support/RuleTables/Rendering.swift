import Model
import PartitionCore

/// The words of what events lead to.
enum Rendering {
  static func text(_ reply: Reply, asIn request: RequestID) -> String {
    let name = reply.request == request ? "" : "r\(reply.request.number) "
    return name + text(reply.outcome) + (reply.isReplayed ? " again" : "")
  }

  static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .done: "done"
    case .changed(let count): "changed \(count)"
    case .created(let id): "created \(id)"
    case .total(let money): "total \(money)"
    case .refused(let refusal): "refused \(text(refusal))"
    }
  }

  private static func text(_ refusal: Refusal) -> String {
    switch refusal {
    case .unknownOrder(let id): "unknownOrder \(id)"
    case .unknownItem(let id): "unknownItem \(id)"
    case .unknownUser(let id): "unknownUser \(id)"
    case .itemNotInOrder(let order, let item): "itemNotInOrder \(order) \(item)"
    case .unknownPayment(let user, let order): "unknownPayment \(user) \(order)"
    case .alreadyExists(let id): "alreadyExists \(id)"
    case .checkoutUnderWay(let id): "checkoutUnderWay \(id)"
    case .orderPaid(let id): "orderPaid \(id)"
    case .tooManyLines(let id): "tooManyLines \(id)"
    case .tooManyJoined(let id): "tooManyJoined \(id)"
    case .lessInStock(let id): "lessInStock \(id)"
    case .notEnoughCredit(let id): "notEnoughCredit \(id)"
    case .paymentConflict(let id): "paymentConflict \(id)"
    case .amountOutOfRange(let id): "amountOutOfRange \(id)"
    case .checkoutFailed(let id, let failure): "checkoutFailed \(id) \(text(failure))"
    case .idempotencyKeyReused(let key): "idempotencyKeyReused \(key.text)"
    }
  }

  private static func text(_ failure: Failure) -> String {
    switch failure {
    case .outOfStock(let id): "outOfStock \(id)"
    case .unknownItem(let id): "unknownItem \(id)"
    case .outOfCredit(let id): "outOfCredit \(id)"
    case .unknownUser(let id): "unknownUser \(id)"
    case .paymentConflict(let id): "paymentConflict \(id)"
    case .tooManyWaiting(let id): "tooManyWaiting \(id)"
    case .amountOutOfRange(let id): "amountOutOfRange \(id)"
    }
  }

  /// `send MESSAGE to PARTITION`.
  static func text(_ outbound: Effects.Outbound) -> String {
    guard case .message(let message) = outbound.entry.body else { return "something that is no message" }
    let words =
      switch message.message {
      case .reserve(let slip, let stop): "reserve \(text(slip.attempt)) \(stop): \(text(slip))"
      case .charge(let slip): "charge \(text(slip.attempt)) \(slip.total) of \(slip.user)"
      case .paid(let attempt): "paid \(text(attempt))"
      case .commit(let attempt): "commit \(text(attempt))"
      case .release(let slip, let stop, let failure): "release \(text(slip.attempt)) \(stop) \(text(failure))"
      case .failed(let attempt, let failure): "failed \(text(attempt)) \(text(failure))"
      case .forgetPayment(let removed): text(removed)
      }
    return "\(words) to \(outbound.to)"
  }

  /// As `Vocabulary` reads it.
  private static func text(_ removed: RemovedOrder) -> String {
    let paid = removed.paid.map { paid in
      " paid \(text(AttemptID(order: removed.order, number: paid.attempt))) \(paid.amount)"
    }
    return "forget \(removed.order) of \(removed.user) before \(removed.before.milliseconds)\(paid ?? "")"
  }

  /// As `Vocabulary` reads it.
  static func text(_ attempt: AttemptID) -> String {
    let before = AttemptID.ofOrderMax
    return "\(attempt.order)/\(attempt.number > before ? attempt.number - before : attempt.number)"
  }

  private static func text(_ slip: Slip) -> String {
    slip.stops.map { stop in
      "\(stop.partition) " + stop.lines.map { "\($0.item):\($0.quantity)" }.joined(separator: " ")
    }.joined(separator: " | ")
  }

  static func text(_ view: View) -> String {
    switch view {
    case .order(nil), .item(nil), .user(nil), .payment(isPaid: nil): "unknown"
    case .order(let order?):
      (["\(order.status.rawValue) \(order.total) by \(order.user)"]
        + order.lines.map { "\($0.item):\($0.quantity)" }).joined(separator: " ")
    case .item(let item?): "\(item.available) at \(item.price)"
    case .user(let user?): "\(user.credit)"
    case .payment(isPaid: let isPaid?): isPaid ? "paid" : "not paid"
    }
  }
}
