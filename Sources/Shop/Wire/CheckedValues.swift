import Model

/// Values that must be valid beyond their layout. `part` names the field in the error.
extension Reader {
  /// An id with valid alphabet and length.
  @inline(__always)
  mutating func id<ID: Identifier>(_ field: Field, _ part: StaticString) throws(WireError) -> ID {
    ID(unchecked: try idText(field, part))
  }

  /// The text of an id of any kind.
  mutating func idText(_ field: Field, _ part: StaticString) throws(WireError) -> String {
    let bytes = try text(field)
    guard IdentifierText.isValid(bytes) else {
      throw .invalid(part, "is not an id: 1 to 64 characters of A-Z a-z 0-9 _ -")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  mutating func idempotencyKey(_ field: Field) throws(WireError) -> IdempotencyKey {
    let bytes = try text(field)
    guard bytes.count <= IdempotencyKey.lengthMax,
      let key = IdempotencyKey(validating: String(decoding: bytes, as: UTF8.self))
    else { throw .invalid("the idempotency key", "is not 1 to 255 visible ASCII characters other than \" and \\") }
    return key
  }

  @inline(__always)
  mutating func amount<Value: Amount>(_ field: Field, _ part: StaticString) throws(WireError) -> Value {
    let value = try number(field)
    guard value <= UInt64(Value.max) else { throw .invalid(part, "exceeds 2^53-1") }
    return Value(unchecked: Int64(value))
  }

  /// A count or number up to 2^53−1.
  mutating func count(_ field: Field, _ part: StaticString) throws(WireError) -> Int64 {
    let quantity: Quantity = try amount(field, part)
    return quantity.value
  }

  @inline(__always)
  mutating func time(
    _ field: Field, _ part: StaticString, millisecondsMax: Int64 = WireLimits.timeMillisecondsMax
  ) throws(WireError) -> Timestamp {
    let value = try number(field)
    guard value <= UInt64(millisecondsMax) else { throw .invalid(part, "is too far in the future") }
    return Timestamp(milliseconds: Int64(value))
  }

  /// A number that must fit into fewer bits than the format has room for.
  @inline(__always)
  mutating func narrow<Value: FixedWidthInteger>(
    _ field: Field, _ part: StaticString, as type: Value.Type = Value.self
  ) throws(WireError) -> Value {
    guard let value = Value(exactly: try number(field)) else { throw .invalid(part, "is too large") }
    return value
  }

  /// An offset in a log, 0…2^63−1.
  mutating func offset(_ field: Field) throws(WireError) -> Int64 {
    try narrow(field, "the offset")
  }

  /// A partition's index.
  mutating func partitionIndex(_ field: Field) throws(WireError) -> UInt16 {
    let index: UInt16 = try narrow(field, "the partition's index")
    guard Int(index) < WireLimits.partitionsMax else { throw .invalid("the partition's index", "is too large") }
    return index
  }

  /// One of the values of an enum. On the wire they count from 1, so that 0 can mean a missing one.
  mutating func choice<Value: RawRepresentable>(
    _ field: Field, _ part: StaticString
  ) throws(WireError) -> Value where Value.RawValue == UInt8 {
    let value = try number(field)
    guard value >= 1, value <= 255, let choice = Value(rawValue: UInt8(value - 1)) else {
      throw .invalid(part, "has a value that this version does not know")
    }
    return choice
  }
}

extension Writer {
  /// One of the values of an enum, counted from 1.
  mutating func choice<Value: RawRepresentable>(_ field: Int, _ value: Value) where Value.RawValue == UInt8 {
    number(field, UInt64(value.rawValue) + 1)
  }

  @inline(__always)
  mutating func amount<Value: Amount>(_ field: Int, _ value: Value) { number(field, value.value) }
}

/// Gives the value of a field that must not be left out.
@inline(__always)
func required<Value>(_ value: Value?, _ part: StaticString) throws(WireError) -> Value {
  guard let value else { throw .missing(part) }
  return value
}
