import Model

extension IdempotencyRecord {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var fingerprint: UInt64 = 0
    var outcome: Outcome?
    var expiry = Timestamp.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: fingerprint = try reader.fixed64(field)
      case 2: outcome = try Outcome(wire: reader.message(field))
      case 3:
        expiry = try reader.time(
          field, "the record's expiry", millisecondsMax: WireLimits.expiryMillisecondsMax)
      default: try reader.skip(field)
      }
    }
    self.init(fingerprint: fingerprint, outcome: outcome, expiry: expiry)
  }

  func write(to writer: inout Writer) {
    writer.number(3, expiry.milliseconds)
    if let outcome { writer.message(2) { outcome.write(to: &$0) } }
    writer.fixed64(1, fingerprint)
  }
}

extension Outcome {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var outcome: Outcome?
    while let field = try reader.next() {
      switch field.number {
      case 1:
        var content = try reader.message(field)
        while let unknown = try content.next() { try content.skip(unknown) }
        outcome = .done
      case 2: outcome = .created(id: try reader.idText(field, "the outcome's id"))
      case 3: outcome = .total(try reader.amount(field, "the outcome's total"))
      case 4: outcome = .refused(try Refusal(wire: reader.message(field)))
      case 5: outcome = .changed(try reader.number(field))
      default: try reader.skip(field)
      }
    }
    guard let outcome else { throw WireError("an outcome is of a kind that this version does not know") }
    self = outcome
  }

  func write(to writer: inout Writer) {
    switch self {
    case .done: writer.message(1) { _ in }
    case .created(let id): writer.text(2, id)
    case .total(let total): writer.present(3, UInt64(bitPattern: total.value))
    case .changed(let count): writer.present(5, count)
    case .refused(let refusal): writer.message(4) { refusal.write(to: &$0) }
    }
  }
}
