import Model
import PartitionCore

// The rules for payments, written a second time.

extension Auditor {
  func decide(_ command: PaymentCommand) -> Outcome {
    switch command {
    case .create(let id, _):
      if users[id] != nil { return .refused(.alreadyExists(id: id.text)) }
      set(id, User())
      return .created(id: id.text)
    case .addFunds(let id, let amount):
      guard var user = users[id] else { return .refused(.unknownUser(id)) }
      guard let deposited = Self.sum(user.deposited.value, amount.value) else {
        return .refused(.amountOutOfRange(id: id.text))
      }
      user.deposited = Money(unchecked: deposited)
      user.credit = Money(unchecked: user.credit.value + amount.value)
      set(id, user)
      return .done
    case .pay(let id, nil, let amount):
      guard users[id] != nil else { return .refused(.unknownUser(id)) }
      return spend(amount, id) { $0.spentWithoutOrder = Money(unchecked: $0.spentWithoutOrder.value + amount.value) }
        ? .done : .refused(.notEnoughCredit(id))
    case .pay(let id, let order?, let amount):
      guard users[id] != nil else { return .refused(.unknownUser(id)) }
      let key = PaymentKey(user: id, order: order)
      if let known = valid(key), known.status != .refunded {
        return known.amount == amount ? .done : .refused(.paymentConflict(order))
      }
      guard spend(amount, id, { $0.paymentsByHand += 1 }) else { return .refused(.notEnoughCredit(id)) }
      replace(key, by: Payment(amount: amount, status: .byHand, era: users[id]?.era ?? 0, changedAt: stamp))
      return .done
    case .cancel(let id, let order): return cancel(PaymentKey(user: id, order: order))
    case .batchInit(let batch): return batchInit(batch)
    }
  }

  /// Takes money if the user has that much.
  private func spend(_ amount: Money, _ id: UserID, _ also: (inout User) -> Void = { _ in }) -> Bool {
    guard var user = users[id], user.credit >= amount else { return false }
    user.credit = Money(unchecked: user.credit.value - amount.value)
    user.spent = Money(unchecked: user.spent.value + amount.value)
    also(&user)
    set(id, user)
    return true
  }

  private func cancel(_ key: PaymentKey) -> Outcome {
    guard var user = users[key.user] else { return .refused(.unknownUser(key.user)) }
    guard let payment = valid(key) else { return .refused(.unknownPayment(key.user, key.order)) }
    if payment.status == .checkout { return .refused(.paymentConflict(key.order)) }
    if payment.status == .refunded { return .done }
    user.credit = Money(unchecked: user.credit.value + payment.amount.value)
    user.spent = Money(unchecked: user.spent.value - payment.amount.value)
    set(key.user, user)
    set(key, Payment(amount: payment.amount, status: .refunded, era: payment.era, changedAt: stamp))
    return .done
  }

  private func batchInit(_ batch: UserBatch) -> Outcome {
    let own = batch.numbers.map { UserID(unchecked: String($0)) }
      .filter { layout.slot(layout.partitioner.partition(of: $0)) == current.slot }
    for id in own where Self.sum(batch.credit.value, users[id]?.spent.value ?? 0) == nil {
      return .refused(.amountOutOfRange(id: id.text))
    }
    var changed: UInt64 = 0
    for id in own {
      let old = users[id]
      var user = users[id] ?? User()
      if rules[current.slot] >= 3, user.spent.value > 0 {
        user.era += 1
        for key in payments.keys where key.user == id {
          touched(.payment(id, key.order), .payment(isPaid: false))
        }
      }
      user.credit = batch.credit
      user.deposited = Money(unchecked: batch.credit.value + user.spent.value)
      if user != old { changed += 1 }
      set(id, user)
    }
    return ended(changed)
  }

  /// A payment, unless the user's account has been started over since.
  private func valid(_ key: PaymentKey) -> Payment? {
    payments[key].flatMap { $0.era == users[key.user]?.era ? $0 : nil }
  }

  /// Puts a payment where there may be another one: money paid by hand in an earlier era is then paid for nothing.
  private func replace(_ key: PaymentKey, by payment: Payment) {
    if let old = payments[key], old.status == .byHand, old.era != payment.era, var user = users[key.user] {
      user.spentWithoutOrder = Money(unchecked: user.spentWithoutOrder.value + old.amount.value)
      set(key.user, user)
    }
    set(key, payment)
  }

  func set(_ id: UserID, _ user: User) {
    if user.credit.value != user.deposited.value - user.spent.value || user.credit.value < 0 {
      fail("the account of \(id) is not conserved: \(user)")
    }
    users[id] = user
    touched(.user(id), .user(UserView(id: id, credit: user.credit)))
  }

  func set(_ key: PaymentKey, _ payment: Payment?) {
    payments[key] = payment
    let isPaid = payment.map { $0.era == users[key.user]?.era && $0.status != .refunded } ?? false
    touched(.payment(key.user, key.order), .payment(isPaid: isPaid))
  }

  // MARK: The last step of a checkout

  func charge(_ slip: Slip) {
    let failure: Failure?
    let key = PaymentKey(user: slip.user, order: slip.attempt.order)
    if users[slip.user] == nil {
      failure = .unknownUser(slip.user)
    } else if let known = valid(key), known.status == .byHand {
      failure = known.amount == slip.total ? nil : .paymentConflict(slip.attempt.order)
    } else {
      failure = spend(slip.total, slip.user) ? nil : .outOfCredit(slip.user)
    }
    if let failure { return back(slip, from: slip.stops.count, failure) }
    if !charged.insert(slip.attempt).inserted { fail("\(slip.attempt) was charged twice") }
    chargedMoney += slip.total.value
    let attempt = rules[current.slot] >= 3 ? slip.attempt.number : 0
    replace(
      key, by: Payment(amount: slip.total, status: .checkout, era: users[slip.user]?.era ?? 0, attempt: attempt))
    expect(.paid(slip.attempt), to: layout.partitioner.partition(of: slip.attempt.order))
    for stop in slip.stops { expect(.commit(slip.attempt), to: PartitionID(.stock, stop.partition)) }
  }
}
