import Model

extension Order {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var user: UserID?
    var lines: [Line] = []
    var status: Status?
    var attempt: UInt64 = 0
    var waiters: [Waiter] = []
    var changedAt: Timestamp?
    while let field = try reader.next() {
      switch field.number {
      case 1: user = try reader.id(field, "the order's user")
      case 2:
        guard lines.count < WireLimits.orderLinesMax else { throw .invalid("the order", "has too many lines") }
        lines.append(try Line(wire: reader.message(field)))
      case 3: status = try reader.choice(field, "the order's status")
      case 4: attempt = try reader.number(field)
      case 5:
        guard waiters.count < WireLimits.orderWaitersMax else {
          throw .invalid("the order", "has too many waiters")
        }
        waiters.append(try Waiter(wire: reader.message(field)))
      case 6: changedAt = try reader.time(field, "the order's last change")
      default: try reader.skip(field)
      }
    }
    guard Self.areMerged(lines) else { throw .invalid("the order's lines", "name an item twice") }
    self.init(
      user: try required(user, "the order's user"), lines: lines, status: try required(status, "the order's status"),
      attempt: attempt, waiters: waiters, changedAt: changedAt)
  }

  /// Whether each item has only one line. A few lines are compared pairwise, which is faster than hashing.
  private static func areMerged(_ lines: [Line]) -> Bool {
    guard lines.count <= 16 else { return Set(lines.map(\.item)).count == lines.count }
    return lines.indices.allSatisfy { index in
      lines[..<index].allSatisfy { $0.item != lines[index].item }
    }
  }

  func write(to writer: inout Writer) {
    if let changedAt { writer.present(6, UInt64(clamping: changedAt.milliseconds)) }
    for waiter in waiters.reversed() { writer.message(5) { waiter.write(to: &$0) } }
    writer.number(4, attempt)
    writer.choice(3, status)
    for line in lines.reversed() { writer.message(2) { line.write(to: &$0) } }
    writer.text(1, user.text)
  }
}

extension Order.Line {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var item: ItemID?
    var quantity = Quantity.zero
    var price = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: item = try reader.id(field, "the line's item")
      case 2: quantity = try reader.amount(field, "the line's quantity")
      case 3: price = try reader.amount(field, "the line's price")
      default: try reader.skip(field)
      }
    }
    guard quantity > .zero else { throw .missing("the line's quantity") }
    self.init(item: try required(item, "the line's item"), quantity: quantity, price: price)
  }

  func write(to writer: inout Writer) {
    writer.amount(3, price)
    writer.amount(2, quantity)
    writer.text(1, item.text)
  }
}

extension Waiter {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var request: RequestID?
    var idempotency: IdempotencyToken?
    while let field = try reader.next() {
      switch field.number {
      case 1: request = try RequestID(wire: reader.message(field))
      case 2: idempotency = try IdempotencyToken(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    self.init(request: try required(request, "the waiter's request"), idempotency: idempotency)
  }

  func write(to writer: inout Writer) {
    if let idempotency { writer.message(2) { idempotency.write(to: &$0) } }
    writer.message(1) { request.write(to: &$0) }
  }
}
