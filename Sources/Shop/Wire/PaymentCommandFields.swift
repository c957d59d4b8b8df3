import Model

extension PaymentCommand {
  /// The numbers of the members in the oneof.
  static let kinds = 30...34

  var kind: Int {
    switch self {
    case .create: 30
    case .addFunds: 31
    case .pay: 32
    case .cancel: 33
    case .batchInit: 34
    }
  }

  init(wire: Reader, kind: Int) throws(WireError) {
    if kind == 34 {
      self = .batchInit(try UserBatch(wire: wire))
      return
    }
    var reader = wire
    var user: UserID?
    var order: OrderID?
    var amount = Money.zero
    var freshness: Freshness?
    while let field = try reader.next() {
      switch (field.number, kind) {
      case (1, _): user = try reader.id(field, "the command's user")
      case (2, 30): freshness = try reader.choice(field, "the command's freshness")
      case (2, 32), (2, 33): order = try reader.id(field, "the command's order")
      case (2, 31), (3, 32): amount = try reader.amount(field, "the command's amount")
      default: try reader.skip(field)
      }
    }
    let id = try required(user, "the command's user")
    switch kind {
    case 30: self = .create(id, try required(freshness, "the command's freshness"))
    case 31: self = .addFunds(id, amount)
    case 32: self = .pay(id, order, amount)
    default: self = .cancel(id, try required(order, "the command's order"))
    }
  }

  func write(to writer: inout Writer) {
    switch self {
    case .create(let user, let freshness):
      writer.choice(2, freshness)
      writer.text(1, user.text)
    case .addFunds(let user, let amount):
      writer.amount(2, amount)
      writer.text(1, user.text)
    case .pay(let user, let order, let amount):
      writer.amount(3, amount)
      if let order { writer.text(2, order.text) }
      writer.text(1, user.text)
    case .cancel(let user, let order):
      writer.text(2, order.text)
      writer.text(1, user.text)
    case .batchInit(let batch):
      batch.write(to: &writer)
    }
  }
}
