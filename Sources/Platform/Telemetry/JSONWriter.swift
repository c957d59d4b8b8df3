/// Writes JSON by hand into bytes. The caller places braces and commas; strings are escaped.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(reserving capacity: Int = 160) { bytes.reserveCapacity(capacity) }

  /// Text that is already JSON.
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

  /// A number of thousandths, with three digits after its point.
  mutating func thousandths(_ value: Int64) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    number(value.magnitude / 1_000)
    bytes.append(UInt8(ascii: "."))
    let rest = value.magnitude % 1_000
    for divisor: UInt64 in [100, 10, 1] {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor % 10))
    }
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
    append(escaping: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
  }

  /// A part of a string whose quotes the caller writes.
  public mutating func string(inQuotes text: String) {
    var text = text
    text.withUTF8 { append(escaping: $0) }
  }

  /// Hardly any text needs escaping, so check for that first and copy the text as a whole.
  private mutating func append(escaping text: UnsafeBufferPointer<UInt8>) {
    let isPlain = text.allSatisfy { byte in
      byte >= 0x20 && byte != 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
    if isPlain {
      bytes.append(contentsOf: text)
    } else {
      for byte in text { append(escaping: byte) }
    }
  }

  /// Quotes, backslashes and control characters; everything else is already UTF-8.
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
