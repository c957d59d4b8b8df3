import Model
import PartitionCore

extension PaymentsMachine {
  /// Removes what is known of the payment for an order that was removed.
  ///
  /// It must be the payment of that order: one with the same id may have been made since, and been paid already. What a
  /// checkout took remains in the ledger; what was paid by hand remains spent, for no order.
  mutating func forgetPayment(for removed: RemovedOrder, in context: inout ApplyContext) {
    guard let user = users[removed.user] else { return }
    let id = PaymentID(user: removed.user, order: removed.order)
    let known = removed.paid != nil || user.paymentsByHand > 0 ? payments[id] : nil
    if let paid = removed.paid { account(for: paid, known, of: user) }
    guard let known, isForgotten(known, removed) else { return }
    if known.status == .byHand {
      // The sum cannot be out of range: it is a part of what was spent.
      guard let loose = user.spentWithoutOrder.adding(known.amount) else { return }
      users.update(removed.user, at: context.position) { $0?.spentWithoutOrder = loose }
    }
    payments.update(id, at: context.position) { $0 = nil }
  }

  /// Counts what a checkout took. If its row was replaced, which only happens after the account was started over, what
  /// the order cost stands for it; if it is missing otherwise, an audit finds that it was not counted.
  private mutating func account(for paid: RemovedOrder.Receipt, _ known: Payment?, of user: User) {
    let taken = known.flatMap { $0.isReceipt(paid) ? $0.amount : nil } ?? (user.era > 0 ? paid.amount : nil)
    guard let taken else { return }
    ledger.removedCheckouts &+= 1
    ledger.removedMoney &+= UInt64(taken.value)
  }

  private func isForgotten(_ payment: Payment, _ removed: RemovedOrder) -> Bool {
    switch payment.status {
    case .checkout: removed.paid.map(payment.isReceipt) ?? false
    case .byHand, .refunded: payment.changedAt.map { $0 <= removed.before } ?? true
    }
  }
}

extension Payment {
  /// Whether it is what that attempt took. Under the rules before `Rules.eras` a payment did not know its attempt.
  fileprivate func isReceipt(_ paid: RemovedOrder.Receipt) -> Bool {
    status == .checkout && (attempt == 0 || attempt == paid.attempt)
  }
}
