/// Walks over a JSON text without building anything. Every step fails with nil or false on anything unexpected, and
/// stays within the bytes.
struct JSONCursor {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var place = 0
  /// How deep skipped values may nest.
  private static let depthMax = 32

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Whether nothing but white space is left.
  mutating func isAtEnd() -> Bool {
    skipSpace()
    return place == bytes.count
  }

  /// Takes one character of punctuation.
  mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  /// The bytes of a string without escapes; Kassa's ids, codes and member names have none.
  mutating func plainString() -> UnsafeBufferPointer<UInt8>? {
    guard take("\"") else { return nil }
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
      guard bytes[place] != UInt8(ascii: "\\"), bytes[place] >= 0x20 else { return nil }
      place += 1
    }
    guard place < bytes.count else { return nil }
    defer { place += 1 }
    return UnsafeBufferPointer(rebasing: bytes[start..<place])
  }

  /// A whole number of at most 18 digits.
  mutating func integer() -> Int64? {
    skipSpace()
    let isNegative = place < bytes.count && bytes[place] == UInt8(ascii: "-")
    if isNegative { place += 1 }
    let start = place
    var number: Int64 = 0
    while place < bytes.count, bytes[place] >= 0x30, bytes[place] <= 0x39 {
      guard place - start < 18 else { return nil }
      number = number * 10 + Int64(bytes[place] &- 0x30)
      place += 1
    }
    return place == start ? nil : isNegative ? -number : number
  }

  mutating func boolean() -> Bool? {
    if takeWord("true") { return true }
    if takeWord("false") { return false }
    return nil
  }

  /// Iterates over an object's members; `member` must consume the value, and returns whether it could.
  mutating func object(_ member: (UnsafeBufferPointer<UInt8>, inout JSONCursor) -> Bool) -> Bool {
    guard take("{") else { return false }
    if take("}") { return true }
    repeat {
      guard let name = plainString(), take(":"), member(name, &self) else { return false }
    } while take(",")
    return take("}")
  }

  /// Iterates over an array's elements in the same way.
  mutating func array(_ element: (inout JSONCursor) -> Bool) -> Bool {
    guard take("[") else { return false }
    if take("]") { return true }
    repeat {
      guard element(&self) else { return false }
    } while take(",")
    return take("]")
  }

  /// Skips a value of any kind.
  mutating func skipValue(depth: Int = 0) -> Bool {
    skipSpace()
    guard depth < Self.depthMax, place < bytes.count else { return false }
    switch bytes[place] {
    case UInt8(ascii: "{"): return object { _, cursor in cursor.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["): return array { cursor in cursor.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): return skipString()
    case UInt8(ascii: "n"): return takeWord("null")
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return boolean() != nil
    default: return skipNumber()
    }
  }

  private mutating func skipNumber() -> Bool {
    let start = place
    while place < bytes.count {
      switch bytes[place] {
      case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        place += 1
      default: return place > start
      }
    }
    return place > start
  }

  private mutating func skipString() -> Bool {
    place += 1
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "\""):
        place += 1
        return true
      case UInt8(ascii: "\\"): place += 2
      default: place += 1
      }
    }
    place = bytes.count
    return false
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    skipSpace()
    let count = word.utf8CodeUnitCount
    guard bytes.count - place >= count else { return false }
    for offset in 0..<count where bytes[place + offset] != word.utf8Start[offset] { return false }
    place += count
    return true
  }

  private mutating func skipSpace() {
    while place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x0A || bytes[place] == 0x0D || bytes[place] == 9
    {
      place += 1
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether these bytes are `text`.
  func isText(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for place in indices where self[place] != text.utf8Start[place] { return false }
    return true
  }
}
