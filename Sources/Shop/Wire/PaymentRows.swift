import Model

extension User {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var user = User()
    while let field = try reader.next() {
      switch field.number {
      case 1: user.credit = try reader.amount(field, "the user's credit")
      case 2: user.deposited = try reader.amount(field, "what the user deposited")
      case 3: user.spent = try reader.amount(field, "what the user spent")
      case 4: user.spentWithoutOrder = try reader.amount(field, "what the user spent without an order")
      case 5: user.paymentsByHand = try reader.narrow(field, "the user's number of payments")
      case 6: user.era = try reader.narrow(field, "the era of the user's account")
      default: try reader.skip(field)
      }
    }
    self = user
  }

  func write(to writer: inout Writer) {
    writer.number(6, UInt64(era))
    writer.number(5, UInt64(paymentsByHand))
    writer.amount(4, spentWithoutOrder)
    writer.amount(3, spent)
    writer.amount(2, deposited)
    writer.amount(1, credit)
  }
}

extension Payment {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var amount = Money.zero
    var status: Status?
    var (era, attempt) = (UInt32(0), UInt64(0))
    var changedAt: Timestamp?
    while let field = try reader.next() {
      switch field.number {
      case 1: amount = try reader.amount(field, "the payment's amount")
      case 2: status = try reader.choice(field, "the payment's status")
      case 3: era = try reader.narrow(field, "the payment's era")
      case 4: attempt = try reader.number(field)
      case 5: changedAt = try reader.time(field, "the payment's last change")
      default: try reader.skip(field)
      }
    }
    self.init(
      amount: amount, status: try required(status, "the payment's status"), era: era, attempt: attempt,
      changedAt: changedAt)
  }

  func write(to writer: inout Writer) {
    if let changedAt { writer.present(5, UInt64(clamping: changedAt.milliseconds)) }
    writer.number(4, attempt)
    writer.number(3, UInt64(era))
    writer.choice(2, status)
    writer.amount(1, amount)
  }
}
