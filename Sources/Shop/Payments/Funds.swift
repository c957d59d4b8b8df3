import Model
import PartitionCore

extension PaymentsMachine {
  mutating func create(_ id: UserID, at position: LogPosition) -> Outcome {
    guard users[id] == nil else { return .refused(.alreadyExists(id: id.text)) }
    users.update(id, at: position) { $0 = User() }
    return .created(id: id.text)
  }

  mutating func addFunds(_ amount: Money, to id: UserID, at position: LogPosition) -> Outcome {
    guard let user = users[id] else { return .refused(.unknownUser(id)) }
    // The money ever deposited bounds every other number of the account.
    guard let deposited = user.deposited.adding(amount), let credit = user.credit.adding(amount) else {
      return .refused(.amountOutOfRange(id: id.text))
    }
    users.update(id, at: position) { user in
      user?.deposited = deposited
      user?.credit = credit
    }
    return .done
  }

  /// Sets the credit of this partition's users of the batch. What was spent is unchanged, but no longer counts as paid
  /// for any order: with the money back, an order must not be free.
  mutating func batchInit(_ batch: UserBatch, in context: borrowing ApplyContext) -> Outcome {
    let own = batch.numbers.map { UserID(unchecked: String($0)) }.filter { owns($0) }
    for id in own {
      guard batch.credit.adding(users[id]?.spent ?? .zero) != nil else {
        return .refused(.amountOutOfRange(id: id.text))
      }
    }
    var changed: UInt64 = 0
    for id in own {
      let old = users[id]
      var new = old ?? User()
      // The credit may be the same with payments that count no more, and no field says whether there are any.
      if new.spent != .zero, context.rules >= Rules.eras { new.era &+= 1 }
      new.credit = batch.credit
      new.deposited = batch.credit.adding(new.spent) ?? batch.credit
      if new != old { changed += 1 }
      users.update(id, at: context.position) { $0 = new }
    }
    return context.changed(changed)
  }
}
