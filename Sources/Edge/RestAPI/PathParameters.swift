import Model
import Problems

/// Reads ids and numbers out of a path's segments; each refusal names the parameter.
extension PathSegments {
  /// An id of 1–64 characters of `A–Z a–z 0–9 _ -`.
  func id<ID: Identifier>(_ index: Int, _ name: StaticString, as type: ID.Type) throws(Problem) -> ID {
    let segment = self[index]
    guard IdentifierText.isValid(segment) else {
      throw Problem(
        .malformedID, "\(name) must be 1 to 64 characters of A-Z a-z 0-9 _ -.", ("parameter", name.description))
    }
    return ID(unchecked: String(decoding: segment, as: UTF8.self))
  }

  func order(_ index: Int) throws(Problem) -> OrderID { try id(index, "order_id", as: OrderID.self) }
  func item(_ index: Int) throws(Problem) -> ItemID { try id(index, "item_id", as: ItemID.self) }
  func user(_ index: Int) throws(Problem) -> UserID { try id(index, "user_id", as: UserID.self) }

  /// A whole number within `range`: digits without a sign. A fraction of zeros means nothing: clients of the older
  /// course that count with floats send `5.0`.
  func number(
    _ index: Int, _ name: StaticString, in range: ClosedRange<Int64> = 0...Money.max
  ) throws(Problem) -> Int64 {
    var value: Int64 = 0
    var isTooLarge = false
    for byte in Self.withoutZeroFraction(self[index]) {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
        throw Problem(
          .malformedAmount, "\(name) must be a whole number, written with the digits 0-9.",
          ("parameter", name.description))
      }
      // Below the bound a further digit cannot overflow 64 bits; past it the digits are only looked at.
      if !isTooLarge { value = value * 10 + Int64(byte - UInt8(ascii: "0")) }
      isTooLarge = isTooLarge || value > range.upperBound
    }
    guard !isTooLarge, range.contains(value) else {
      throw Problem(
        .amountOutOfRange, "\(name) must be \(range.lowerBound) to \(range.upperBound).",
        ("parameter", name.description))
    }
    return value
  }

  /// `5.0` and `5.00` are `5`; `5.`, `.0` and `5.5` are no numbers.
  private static func withoutZeroFraction(_ digits: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>> {
    guard let point = digits.firstIndex(of: UInt8(ascii: ".")), point > 0, point + 1 < digits.count,
      digits[(point + 1)...].allSatisfy({ $0 == UInt8(ascii: "0") })
    else { return digits[...] }
    return digits[..<point]
  }

  func money(_ index: Int, _ name: StaticString) throws(Problem) -> Money { Money(unchecked: try number(index, name)) }

  func quantity(_ index: Int, _ name: StaticString, atLeast least: Int64 = 0) throws(Problem) -> Quantity {
    Quantity(unchecked: try number(index, name, in: least...Quantity.max))
  }
}
