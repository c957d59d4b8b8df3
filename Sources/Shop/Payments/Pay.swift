import Model
import PartitionCore

// Payments by hand. A payment with an order is recorded: it is taken once, however often it is requested, and can be
// cancelled until the order's checkout adopts it.

extension PaymentsMachine {
  /// Takes money without an order.
  mutating func pay(_ amount: Money, by id: UserID, at position: LogPosition) -> Outcome {
    guard let user = users[id] else { return .refused(.unknownUser(id)) }
    guard let after = user.spending(amount), let loose = user.spentWithoutOrder.adding(amount) else {
      return .refused(.notEnoughCredit(id))
    }
    users.update(id, at: position) {
      $0 = after
      $0?.spentWithoutOrder = loose
    }
    return .done
  }

  /// Takes money for an order, once.
  mutating func pay(
    _ amount: Money, by id: UserID, for order: OrderID, in context: borrowing ApplyContext
  ) -> Outcome {
    guard let user = users[id] else { return .refused(.unknownUser(id)) }
    let payment = PaymentID(user: id, order: order)
    let known = payments[payment]
    if let known, known.counts(for: user), known.status != .refunded {
      return known.amount == amount ? .done : .refused(.paymentConflict(order))
    }
    guard var after = user.spending(amount, replacing: known) else { return .refused(.notEnoughCredit(id)) }
    after.paymentsByHand = max(after.paymentsByHand, after.paymentsByHand &+ 1)
    users.update(id, at: context.position) { $0 = after }
    let new = Payment(amount: amount, status: .byHand, era: user.era, changedAt: context.stamp)
    payments.update(payment, at: context.position) { $0 = new }
    return .done
  }

  /// Refunds a payment by hand, once.
  mutating func cancel(
    _ order: OrderID, of id: UserID, in context: borrowing ApplyContext
  ) -> Outcome {
    guard let user = users[id] else { return .refused(.unknownUser(id)) }
    let payment = PaymentID(user: id, order: order)
    guard let known = payments[payment], known.counts(for: user) else { return .refused(.unknownPayment(id, order)) }
    switch known.status {
    case .refunded: return .done
    case .checkout: return .refused(.paymentConflict(order))
    case .byHand: break
    }
    guard let credit = user.credit.adding(known.amount), let spent = user.spent.subtracting(known.amount) else {
      return .refused(.amountOutOfRange(id: id.text))
    }
    users.update(id, at: context.position) { user in
      user?.credit = credit
      user?.spent = spent
    }
    let stamp = context.stamp
    payments.update(payment, at: context.position) {
      $0?.status = .refunded
      $0?.changedAt = stamp
    }
    return .done
  }
}

extension User {
  /// The account after `amount` was taken, or nil if the credit does not cover it.
  ///
  /// - Parameter payment: the one whose row the new one takes. What was paid by hand in an earlier era stays spent, for
  ///   nothing that is known any more.
  func spending(_ amount: Money, replacing payment: Payment? = nil) -> User? {
    guard let credit = credit.subtracting(amount), let spent = spent.adding(amount) else { return nil }
    var user = self
    user.credit = credit
    user.spent = spent
    if let payment, payment.status == .byHand, !payment.counts(for: user) {
      guard let loose = spentWithoutOrder.adding(payment.amount) else { return nil }
      user.spentWithoutOrder = loose
    }
    return user
  }
}

extension Payment {
  /// Whether it was made since the user's account was last reset.
  func counts(for user: User) -> Bool { era == user.era }
}
