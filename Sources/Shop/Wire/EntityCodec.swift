import Model

/// Turns entities into the bytes of their rows, and back. The format is `Entity` of `records.proto`.
public enum EntityCodec {
  /// Appends the row's bytes to `bytes`.
  public static func encode(_ entity: Entity, into bytes: inout [UInt8]) {
    var writer = Writer(capacity: 256)
    entity.write(to: &writer)
    writer.withBytes { bytes.append(contentsOf: $0) }
  }

  /// Decodes the row of `key`, which anybody may have written. Never traps.
  /// - Throws: `WireError`, also if a valid row is not of the key's kind, or is a hold of another attempt.
  public static func decode(_ bytes: UnsafeRawBufferPointer, for key: EntityKey) throws(WireError) -> Entity {
    let entity = try Entity(wire: Reader(bytes))
    switch (key, entity) {
    case (.order, .order), (.item, .item), (.user, .user), (.payment, .payment), (.idempotency, .idempotency):
      return entity
    case (.hold(let attempt), .hold(let hold)):
      guard hold.slip.attempt == attempt else { throw .invalid("the hold", "belongs to another attempt") }
      return entity
    default:
      throw .invalid("the row", "is not of its key's kind")
    }
  }
}

extension Entity {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var entity: Entity?
    while let field = try reader.next() {
      switch field.number {
      case 1: entity = .order(try Order(wire: reader.message(field)))
      case 2: entity = .item(try Item(wire: reader.message(field)))
      case 3: entity = .hold(try Hold(wire: reader.message(field)))
      case 4: entity = .user(try User(wire: reader.message(field)))
      case 5: entity = .payment(try Payment(wire: reader.message(field)))
      case 6: entity = .idempotency(try IdempotencyRecord(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    guard let entity else { throw WireError("a row is of a kind that this version does not know") }
    self = entity
  }

  func write(to writer: inout Writer) {
    switch self {
    case .order(let order): writer.message(1) { order.write(to: &$0) }
    case .item(let item): writer.message(2) { item.write(to: &$0) }
    case .hold(let hold): writer.message(3) { hold.write(to: &$0) }
    case .user(let user): writer.message(4) { user.write(to: &$0) }
    case .payment(let payment): writer.message(5) { payment.write(to: &$0) }
    case .idempotency(let record): writer.message(6) { record.write(to: &$0) }
    }
  }
}
