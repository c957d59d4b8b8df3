import Model

extension Failure {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var failure: Failure?
    while let field = try reader.next() {
      switch field.number {
      case 1: failure = .outOfStock(try reader.id(field, "the failure's item"))
      case 2: failure = .unknownItem(try reader.id(field, "the failure's item"))
      case 3: failure = .outOfCredit(try reader.id(field, "the failure's user"))
      case 4: failure = .unknownUser(try reader.id(field, "the failure's user"))
      case 5: failure = .paymentConflict(try reader.id(field, "the failure's order"))
      case 6: failure = .tooManyWaiting(try reader.id(field, "the failure's item"))
      case 7: failure = .amountOutOfRange(try reader.id(field, "the failure's user"))
      default: try reader.skip(field)
      }
    }
    guard let failure else { throw WireError("a failure has no reason that this version knows") }
    self = failure
  }

  func write(to writer: inout Writer) {
    switch self {
    case .outOfStock(let item): writer.text(1, item.text)
    case .unknownItem(let item): writer.text(2, item.text)
    case .outOfCredit(let user): writer.text(3, user.text)
    case .unknownUser(let user): writer.text(4, user.text)
    case .paymentConflict(let order): writer.text(5, order.text)
    case .tooManyWaiting(let item): writer.text(6, item.text)
    case .amountOutOfRange(let user): writer.text(7, user.text)
    }
  }
}
