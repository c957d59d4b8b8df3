import Model

extension Query {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var query: Query?
    while let field = try reader.next() {
      switch field.number {
      case 1: query = .order(try reader.id(field, "the query's order"))
      case 2: query = .item(try reader.id(field, "the query's item"))
      case 3: query = .user(try reader.id(field, "the query's user"))
      case 4: query = try Self.payment(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    guard let query else { throw WireError("a query is of a kind that this version does not know") }
    self = query
  }

  private static func payment(wire: Reader) throws(WireError) -> Query {
    var reader = wire
    var user: UserID?
    var order: OrderID?
    while let field = try reader.next() {
      switch field.number {
      case 1: user = try reader.id(field, "the query's user")
      case 2: order = try reader.id(field, "the query's order")
      default: try reader.skip(field)
      }
    }
    return .payment(try required(user, "the query's user"), try required(order, "the query's order"))
  }

  func write(to writer: inout Writer) {
    switch self {
    case .order(let order): writer.text(1, order.text)
    case .item(let item): writer.text(2, item.text)
    case .user(let user): writer.text(3, user.text)
    case .payment(let user, let order):
      writer.message(4) { writer in
        writer.text(2, order.text)
        writer.text(1, user.text)
      }
    }
  }
}

extension View {
  /// On the wire 0 says that the user does not exist.
  private enum PaymentState: UInt8 {
    case unpaid = 0
    case paid = 1
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var view: View?
    while let field = try reader.next() {
      switch field.number {
      case 1:
        var answer = try reader.message(field)
        var order: OrderView?
        while let part = try answer.next() {
          if part.number == 1 { order = try OrderView(wire: answer.message(part)) } else { try answer.skip(part) }
        }
        view = .order(order)
      case 2:
        var answer = try reader.message(field)
        var item: ItemView?
        while let part = try answer.next() {
          if part.number == 1 { item = try ItemView(wire: answer.message(part)) } else { try answer.skip(part) }
        }
        view = .item(item)
      case 3:
        var answer = try reader.message(field)
        var user: UserView?
        while let part = try answer.next() {
          if part.number == 1 { user = try UserView(wire: answer.message(part)) } else { try answer.skip(part) }
        }
        view = .user(user)
      case 4:
        var answer = try reader.message(field)
        var state: PaymentState?
        while let part = try answer.next() {
          if part.number == 1 { state = try answer.choice(part, "the payment's state") } else { try answer.skip(part) }
        }
        view = .payment(isPaid: state.map { $0 == .paid })
      default: try reader.skip(field)
      }
    }
    guard let view else { throw WireError("a view is of a kind that this version does not know") }
    self = view
  }

  func write(to writer: inout Writer) {
    switch self {
    case .order(let order):
      writer.message(1) { writer in if let order { writer.message(1) { order.write(to: &$0) } } }
    case .item(let item):
      writer.message(2) { writer in if let item { writer.message(1) { item.write(to: &$0) } } }
    case .user(let user):
      writer.message(3) { writer in if let user { writer.message(1) { user.write(to: &$0) } } }
    case .payment(let isPaid):
      writer.message(4) { writer in
        if let isPaid { writer.choice(1, isPaid ? PaymentState.paid : .unpaid) }
      }
    }
  }
}

extension OrderView {
  /// The wire values: the same as in a row.
  private enum WireStatus: UInt8 {
    case open = 0
    case checkingOut = 1
    case paid = 2
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var id: OrderID?
    var user: UserID?
    var lines: [Slip.Line] = []
    var total = Money.zero
    var status: WireStatus?
    while let field = try reader.next() {
      switch field.number {
      case 1: id = try reader.id(field, "the view's order")
      case 2: user = try reader.id(field, "the view's user")
      case 3:
        guard lines.count < WireLimits.orderLinesMax else { throw .invalid("the view", "has too many lines") }
        lines.append(try Slip.Line(wire: reader.message(field)))
      case 4: total = try reader.amount(field, "the view's total")
      case 5: status = try reader.choice(field, "the view's status")
      default: try reader.skip(field)
      }
    }
    let known: Status =
      switch try required(status, "the view's status") {
      case .open: .open
      case .checkingOut: .checkingOut
      case .paid: .paid
      }
    self.init(
      id: try required(id, "the view's order"), user: try required(user, "the view's user"), lines: lines,
      total: total, status: known)
  }

  func write(to writer: inout Writer) {
    let known: WireStatus =
      switch status {
      case .open: .open
      case .checkingOut: .checkingOut
      case .paid: .paid
      }
    writer.choice(5, known)
    writer.amount(4, total)
    for line in lines.reversed() { writer.message(3) { line.write(to: &$0) } }
    writer.text(2, user.text)
    writer.text(1, id.text)
  }
}

extension ItemView {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var available = Quantity.zero
    var price = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: available = try reader.amount(field, "the view's quantity")
      case 2: price = try reader.amount(field, "the view's price")
      default: try reader.skip(field)
      }
    }
    self.init(available: available, price: price)
  }

  func write(to writer: inout Writer) {
    writer.amount(2, price)
    writer.amount(1, available)
  }
}

extension UserView {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var id: UserID?
    var credit = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: id = try reader.id(field, "the view's user")
      case 2: credit = try reader.amount(field, "the view's credit")
      default: try reader.skip(field)
      }
    }
    self.init(id: try required(id, "the view's user"), credit: credit)
  }

  func write(to writer: inout Writer) {
    writer.amount(2, credit)
    writer.text(1, id.text)
  }
}
