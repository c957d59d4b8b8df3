import Model

extension Refusal {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var refusal: Refusal?
    while let field = try reader.next() {
      switch field.number {
      case 1: refusal = .unknownOrder(try reader.id(field, "the refusal's order"))
      case 2: refusal = .unknownItem(try reader.id(field, "the refusal's item"))
      case 3: refusal = .unknownUser(try reader.id(field, "the refusal's user"))
      case 4:
        let (order, item) = try Self.pair(reader.message(field), OrderID.self, ItemID.self)
        refusal = .itemNotInOrder(order, item)
      case 5:
        let (user, order) = try Self.pair(reader.message(field), UserID.self, OrderID.self)
        refusal = .unknownPayment(user, order)
      case 6: refusal = .alreadyExists(id: try reader.idText(field, "the refusal's id"))
      case 7: refusal = .checkoutUnderWay(try reader.id(field, "the refusal's order"))
      case 8: refusal = .orderPaid(try reader.id(field, "the refusal's order"))
      case 9: refusal = .tooManyLines(try reader.id(field, "the refusal's order"))
      case 10: refusal = .tooManyJoined(try reader.id(field, "the refusal's order"))
      case 11: refusal = .lessInStock(try reader.id(field, "the refusal's item"))
      case 12: refusal = .notEnoughCredit(try reader.id(field, "the refusal's user"))
      case 13: refusal = .paymentConflict(try reader.id(field, "the refusal's order"))
      case 14: refusal = .amountOutOfRange(id: try reader.idText(field, "the refusal's id"))
      case 15: refusal = try Self.checkoutFailed(wire: reader.message(field))
      case 16: refusal = .idempotencyKeyReused(try reader.idempotencyKey(field))
      default: try reader.skip(field)
      }
    }
    guard let refusal else { throw WireError("a refusal has no reason that this version knows") }
    self = refusal
  }

  /// A message of two ids.
  private static func pair<First: Identifier, Second: Identifier>(
    _ wire: Reader, _: First.Type, _: Second.Type
  ) throws(WireError) -> (First, Second) {
    var reader = wire
    var first: First?
    var second: Second?
    while let field = try reader.next() {
      switch field.number {
      case 1: first = try reader.id(field, "the refusal's first id")
      case 2: second = try reader.id(field, "the refusal's second id")
      default: try reader.skip(field)
      }
    }
    return (try required(first, "the refusal's first id"), try required(second, "the refusal's second id"))
  }

  private static func checkoutFailed(wire: Reader) throws(WireError) -> Refusal {
    var reader = wire
    var order: OrderID?
    var failure: Failure?
    while let field = try reader.next() {
      switch field.number {
      case 1: order = try reader.id(field, "the refusal's order")
      case 2: failure = try Failure(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    return .checkoutFailed(
      try required(order, "the refusal's order"), try required(failure, "the refusal's failure"))
  }

  func write(to writer: inout Writer) {
    switch self {
    case .unknownOrder(let order): writer.text(1, order.text)
    case .unknownItem(let item): writer.text(2, item.text)
    case .unknownUser(let user): writer.text(3, user.text)
    case .itemNotInOrder(let order, let item):
      writer.message(4) {
        $0.text(2, item.text)
        $0.text(1, order.text)
      }
    case .unknownPayment(let user, let order):
      writer.message(5) {
        $0.text(2, order.text)
        $0.text(1, user.text)
      }
    case .alreadyExists(let id): writer.text(6, id)
    case .checkoutUnderWay(let order): writer.text(7, order.text)
    case .orderPaid(let order): writer.text(8, order.text)
    case .tooManyLines(let order): writer.text(9, order.text)
    case .tooManyJoined(let order): writer.text(10, order.text)
    case .lessInStock(let item): writer.text(11, item.text)
    case .notEnoughCredit(let user): writer.text(12, user.text)
    case .paymentConflict(let order): writer.text(13, order.text)
    case .amountOutOfRange(let id): writer.text(14, id)
    case .checkoutFailed(let order, let failure):
      writer.message(15) {
        $0.message(2) { failure.write(to: &$0) }
        $0.text(1, order.text)
      }
    case .idempotencyKeyReused(let key): writer.text(16, key.text)
    }
  }
}
