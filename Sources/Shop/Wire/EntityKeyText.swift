import Model

/// An entity's key as a store keeps it: a small number and a text. Each key has exactly one such form, and no two keys
/// share one.
extension EntityCodec {
  /// The kind's number in the `Entity` of `records.proto`, 1…6.
  public static func kind(of key: EntityKey) -> UInt8 {
    switch key {
    case .order: 1
    case .item: 2
    case .hold: 3
    case .user: 4
    case .payment: 5
    case .idempotency: 6
    }
  }

  /// The id, `order/number` of a hold's attempt, `user/order` of a payment, or the idempotency key.
  public static func text(of key: EntityKey) -> String {
    switch key {
    case .order(let id): id.text
    case .item(let id): id.text
    case .hold(let attempt): attempt.description
    case .user(let id): id.text
    case .payment(let user, let order): "\(user.text)/\(order.text)"
    case .idempotency(let key): key.text
    }
  }

  /// The key of a kind and a text, which anybody may have written.
  /// - Throws: `WireError` if there is no such kind, or `text` is not what `text(of:)` returns for one of its keys.
  public static func key(kind: UInt8, text: String) throws(WireError) -> EntityKey {
    switch kind {
    case 1: return .order(try id(text[...]))
    case 2: return .item(try id(text[...]))
    case 3:
      let (order, number) = try halves(text)
      // Only the shortest form, so that two texts never mean the same key.
      guard let value = UInt64(number), value > 0, String(value) == number else {
        throw .invalid("the number of the key's attempt", "is not a number")
      }
      return .hold(AttemptID(order: try id(order), number: value))
    case 4: return .user(try id(text[...]))
    case 5:
      let (user, order) = try halves(text)
      return .payment(try id(user), try id(order))
    case 6:
      guard let key = IdempotencyKey(validating: text) else { throw .invalid("the idempotency key", "is not valid") }
      return .idempotency(key)
    default:
      throw WireError("keys have no kind \(kind)")
    }
  }

  private static func id<ID: Identifier>(_ text: Substring) throws(WireError) -> ID {
    guard let id = ID(validating: String(text)) else { throw .invalid("the key", "is not an id") }
    return id
  }

  private static func halves(_ text: String) throws(WireError) -> (Substring, Substring) {
    guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
      throw .invalid("the key", "has no second part")
    }
    return (text[..<slash], text[text.utf8.index(after: slash)...])
  }
}
