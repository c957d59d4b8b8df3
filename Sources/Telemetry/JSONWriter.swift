/// Writes JSON by hand into bytes. The caller places braces and commas; strings are escaped.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(reserving capacity: Int = 160) { bytes.reserveCapacity(capacity) }

  /// Text that is JSON already.
  public mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func number(_ value: Int64) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    number(value.magnitude)
  }

  public mutating func number(_ value: UInt64) {
    var rest = value
    let first = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[first...].reverse()
  }

  public mutating func bool(_ value: Bool) { if value { raw("true") } else { raw("false") } }

  /// A string with its quotes.
  public mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    string(inQuotes: text)
    bytes.append(UInt8(ascii: "\""))
  }

  public mutating func string(_ text: StaticString) {
    bytes.append(UInt8(ascii: "\""))
    for byte in UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount) { append(escaping: byte) }
    bytes.append(UInt8(ascii: "\""))
  }

  /// A part of a string whose quotes the caller writes.
  public mutating func string(inQuotes text: String) {
    var text = text
    text.withUTF8 { for byte in $0 { append(escaping: byte) } }
  }

  /// Quotes, backslashes and control characters; everything else is UTF-8 already.
  private mutating func append(escaping byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): raw("\\\"")
    case UInt8(ascii: "\\"): raw("\\\\")
    case UInt8(ascii: "\n"): raw("\\n")
    case UInt8(ascii: "\r"): raw("\\r")
    case UInt8(ascii: "\t"): raw("\\t")
    case 0..<0x20, 0x7F:
      raw("\\u00")
      for digit in [byte >> 4, byte & 15] {
        bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    default: bytes.append(byte)
    }
  }
}
