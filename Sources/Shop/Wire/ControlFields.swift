import Model

extension Control {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var control: Control?
    while let field = try reader.next() {
      switch field.number {
      case 1: control = .rules(version: try Self.version(wire: reader.message(field)))
      case 2: control = .owned(try Owner(wire: reader.message(field)))
      case 3: control = .released(epoch: try Self.numbers(wire: reader.message(field)).epoch)
      case 4:
        let (epoch, number) = try Self.numbers(wire: reader.message(field))
        control = .tick(epoch: epoch, number: number)
      case 5: control = .limits(try RuleLimits(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    guard let control else { throw WireError("a control is of a kind that this version does not know") }
    self = control
  }

  private static func version(wire: Reader) throws(WireError) -> UInt32 {
    var reader = wire
    var version: UInt32 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: version = try reader.narrow(field, "the rules' version")
      default: try reader.skip(field)
      }
    }
    guard version > 0 else { throw .missing("the rules' version") }
    return version
  }

  private static func numbers(wire: Reader) throws(WireError) -> (epoch: UInt64, number: UInt64) {
    var reader = wire
    var epoch: UInt64 = 0
    var number: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: epoch = try reader.number(field)
      case 2: number = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    guard epoch > 0 else { throw .missing("the owner's epoch") }
    return (epoch, number)
  }

  func write(to writer: inout Writer) {
    switch self {
    case .rules(let version): writer.message(1) { $0.number(1, UInt64(version)) }
    case .owned(let owner): writer.message(2) { owner.write(to: &$0) }
    case .released(let epoch): writer.message(3) { $0.number(1, epoch) }
    case .tick(let epoch, let number):
      writer.message(4) { writer in
        writer.number(2, number)
        writer.number(1, epoch)
      }
    case .limits(let limits): writer.message(5) { limits.write(to: &$0) }
    }
  }
}

extension Owner {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var epoch: UInt64 = 0
    var incarnation: UInt64 = 0
    var address = ""
    while let field = try reader.next() {
      switch field.number {
      case 1: epoch = try reader.number(field)
      case 2: incarnation = try reader.fixed64(field)
      case 3:
        let bytes = try reader.text(field)
        guard bytes.count <= Owner.addressBytesMax else { throw .invalid("the owner's address", "is too long") }
        address = String(decoding: bytes, as: UTF8.self)
      default: try reader.skip(field)
      }
    }
    guard epoch > 0 else { throw .missing("the owner's epoch") }
    guard let owner = Owner(epoch: epoch, incarnation: incarnation, address: address) else {
      throw .invalid("the owner's address", "is not 1 to 255 visible ASCII characters")
    }
    self = owner
  }

  func write(to writer: inout Writer) {
    writer.text(3, address)
    writer.fixed64(2, incarnation)
    writer.number(1, epoch)
  }
}

extension RuleLimits {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var limits = RuleLimits(
      orderLinesMax: 0, orderWaitersMax: 0, itemParkedMax: 0, idempotencyExpiryMilliseconds: 0)
    while let field = try reader.next() {
      switch field.number {
      case 1: limits.orderLinesMax = try reader.narrow(field, "the limit of order lines")
      case 2: limits.orderWaitersMax = try reader.narrow(field, "the limit of an order's waiters")
      case 3: limits.itemParkedMax = try reader.narrow(field, "the limit of parked checkouts")
      case 4: limits.idempotencyExpiryMilliseconds = try reader.narrow(field, "the keys' expiry")
      case 5: limits.orderRetentionMilliseconds = try reader.narrow(field, "the retention of orders")
      default: try reader.skip(field)
      }
    }
    if let contradiction = limits.contradiction { throw WireError("the limits: \(contradiction)") }
    self = limits
  }

  func write(to writer: inout Writer) {
    if let orderRetentionMilliseconds { writer.number(5, orderRetentionMilliseconds) }
    writer.number(4, idempotencyExpiryMilliseconds)
    writer.number(3, Int64(itemParkedMax))
    writer.number(2, Int64(orderWaitersMax))
    writer.number(1, Int64(orderLinesMax))
  }
}
