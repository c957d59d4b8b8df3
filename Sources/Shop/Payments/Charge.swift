import Model
import PartitionCore

extension PaymentsMachine {
  /// The last step of a checkout: takes the money and notifies everybody, or declines and sends the slip back.
  ///
  /// A payment by hand for the same order is adopted if it equals the order's cost, so that no order is paid twice.
  mutating func charge(_ slip: Slip, in context: inout ApplyContext) {
    guard let user = users[slip.user] else { return decline(slip, .unknownUser(slip.user), in: &context) }
    let payment = PaymentID(user: slip.user, order: slip.attempt.order)
    // Looks only at payments by hand, and only if the user has any: whether another one happens to be in memory must
    // not matter.
    let known = user.paymentsByHand > 0 ? payments[payment] : nil
    if let known, known.status == .byHand, known.counts(for: user) {
      guard known.amount == slip.total else {
        return decline(slip, .paymentConflict(slip.attempt.order), in: &context)
      }
    } else {
      guard let after = user.spending(slip.total, replacing: known) else {
        let failure: Failure =
          user.credit < slip.total ? .outOfCredit(slip.user) : .amountOutOfRange(slip.user)
        return decline(slip, failure, in: &context)
      }
      users.update(slip.user, at: context.position) { $0 = after }
    }
    let attempt = context.rules >= Rules.eras ? slip.attempt.number : 0
    payments.update(payment, at: context.position) {
      $0 = Payment(amount: slip.total, status: .checkout, era: user.era, attempt: attempt)
    }
    ledger.checkouts &+= 1
    ledger.checkoutMoney &+= UInt64(slip.total.value)
    context.send(.paid(slip.attempt), to: partitioner.partition(of: slip.attempt.order))
    for stop in slip.stops {
      context.send(.commit(slip.attempt), to: PartitionID(.stock, stop.partition))
    }
  }

  private func decline(_ slip: Slip, _ failure: Failure, in context: inout ApplyContext) {
    if let last = slip.stops.indices.last {
      context.send(
        .release(slip, stop: UInt16(last), failure), to: PartitionID(.stock, slip.stops[last].partition))
    } else {
      context.send(.failed(slip.attempt, failure), to: partitioner.partition(of: slip.attempt.order))
    }
  }
}
