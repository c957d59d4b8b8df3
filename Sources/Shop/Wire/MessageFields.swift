import Model

extension PartitionMessage {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var source: PartitionID?
    var offset: Int64 = 0
    var index: UInt32 = 0
    var message: Message?
    while let field = try reader.next() {
      switch field.number {
      case 1: source = try PartitionID(wire: reader.message(field))
      case 2: offset = try reader.offset(field)
      case 3: index = try reader.narrow(field, "the message's index")
      case Message.kinds: message = try Message(wire: reader.message(field), kind: field.number)
      default: try reader.skip(field)
      }
    }
    guard let message else { throw WireError("a message is of a kind that this version does not know") }
    self.init(
      source: try required(source, "the message's source"), position: SourcePosition(offset: offset, index: index),
      message: message)
  }

  func write(to writer: inout Writer) {
    writer.message(message.kind) { message.write(to: &$0) }
    writer.number(3, UInt64(position.index))
    writer.number(2, position.offset)
    writer.message(1) { source.write(to: &$0) }
  }
}

extension Message {
  /// The numbers of the members in the oneofs of messages.
  static let kinds = 10...16

  /// The number of the member in the oneof.
  var kind: Int {
    switch self {
    case .reserve: 10
    case .charge: 11
    case .paid: 12
    case .commit: 13
    case .release: 14
    case .failed: 15
    case .forgetPayment: 16
    }
  }

  init(wire: Reader, kind: Int) throws(WireError) {
    switch kind {
    case 10:
      let parts = try SlipParts(wire: wire, fields: 2)
      self = .reserve(parts.slip, stop: try parts.checkedStop())
    case 11:
      self = .charge(try SlipParts(wire: wire, fields: 1).slip)
    case 12:
      self = .paid(try AttemptParts(wire: wire, fields: 1).attempt)
    case 13:
      self = .commit(try AttemptParts(wire: wire, fields: 1).attempt)
    case 14:
      let parts = try SlipParts(wire: wire, fields: 3)
      let failure = try required(parts.failure, "the message's failure")
      self = .release(parts.slip, stop: try parts.checkedStop(), failure)
    case 16:
      self = .forgetPayment(try RemovedOrder(wire: wire))
    default:
      let parts = try AttemptParts(wire: wire, fields: 2)
      self = .failed(parts.attempt, try required(parts.failure, "the message's failure"))
    }
  }

  func write(to writer: inout Writer) {
    switch self {
    case .reserve(let slip, let stop):
      writer.number(2, UInt64(stop))
      writer.message(1) { slip.write(to: &$0) }
    case .charge(let slip):
      writer.message(1) { slip.write(to: &$0) }
    case .paid(let attempt), .commit(let attempt):
      writer.message(1) { attempt.write(to: &$0) }
    case .release(let slip, let stop, let failure):
      writer.message(3) { failure.write(to: &$0) }
      writer.number(2, UInt64(stop))
      writer.message(1) { slip.write(to: &$0) }
    case .failed(let attempt, let failure):
      writer.message(2) { failure.write(to: &$0) }
      writer.message(1) { attempt.write(to: &$0) }
    case .forgetPayment(let removed): removed.write(to: &writer)
    }
  }
}

extension RemovedOrder {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var (order, user) = (OrderID?.none, UserID?.none)
    var before = Timestamp.zero
    var paid: Receipt?
    while let field = try reader.next() {
      switch field.number {
      case 1: order = try reader.id(field, "the removed order")
      case 2: user = try reader.id(field, "the removed order's user")
      case 3: before = try reader.time(field, "the removed order's time")
      case 4: paid = try Receipt(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    self.init(
      order: try required(order, "the removed order"), user: try required(user, "the removed order's user"),
      before: before, paid: paid)
  }

  func write(to writer: inout Writer) {
    if let paid { writer.message(4) { paid.write(to: &$0) } }
    writer.number(3, before.milliseconds)
    writer.text(2, user.text)
    writer.text(1, order.text)
  }
}

extension RemovedOrder.Receipt {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var attempt: UInt64 = 0
    var amount = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: attempt = try reader.number(field)
      case 2: amount = try reader.amount(field, "what the removed order cost")
      default: try reader.skip(field)
      }
    }
    self.init(attempt: attempt, amount: amount)
  }

  func write(to writer: inout Writer) {
    writer.amount(2, amount)
    writer.number(1, attempt)
  }
}

/// The fields of a message about a slip: `Charge` has the first, `Reserve` the first two, `Release` all three.
private struct SlipParts {
  let slip: Slip
  let stop: UInt16
  let failure: Failure?

  /// - Parameter fields: how many of the fields the message has; others belong to a later version.
  init(wire: Reader, fields: Int) throws(WireError) {
    var reader = wire
    var slip: Slip?
    var stop: UInt16 = 0
    var failure: Failure?
    while let field = try reader.next() {
      switch field.number {
      case 1: slip = try Slip(wire: reader.message(field))
      case 2 where fields >= 2: stop = try reader.narrow(field, "the message's stop")
      case 3 where fields == 3: failure = try Failure(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    self.slip = try required(slip, "the message's slip")
    self.stop = stop
    self.failure = failure
  }

  func checkedStop() throws(WireError) -> UInt16 {
    guard Int(stop) < slip.stops.count else { throw .invalid("the message's stop", "is not in its slip") }
    return stop
  }
}

/// The fields of a message about an attempt: `Paid` and `Commit` have the first, `Failed` has both.
private struct AttemptParts {
  let attempt: AttemptID
  let failure: Failure?

  /// - Parameter fields: how many of the fields the message has; others belong to a later version.
  init(wire: Reader, fields: Int) throws(WireError) {
    var reader = wire
    var attempt: AttemptID?
    var failure: Failure?
    while let field = try reader.next() {
      switch field.number {
      case 1: attempt = try AttemptID(wire: reader.message(field))
      case 2 where fields == 2: failure = try Failure(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    self.attempt = try required(attempt, "the message's attempt")
    self.failure = failure
  }
}
