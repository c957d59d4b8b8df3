/// Reads what a peer sent, bounded by its length: every read past the end is nil.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var rest: Int { bytes.count - position }

  mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) -> Number? {
    guard rest >= MemoryLayout<Number>.size else { return nil }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: Number.self)
    position += MemoryLayout<Number>.size
    return Number(littleEndian: value)
  }

  mutating func bytes(_ count: Int) -> [UInt8]? {
    guard count >= 0, rest >= count else { return nil }
    defer { position += count }
    return Array(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
  }

  /// A text after its length in one byte.
  mutating func text() -> String? {
    guard let count: UInt8 = number(), let bytes = bytes(Int(count)) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}

extension [UInt8] {
  mutating func append<Number: FixedWidthInteger & UnsignedInteger>(number: Number) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }

  mutating func append(text: String) {
    let bytes = text.utf8.prefix(255)
    append(UInt8(bytes.count))
    append(contentsOf: bytes)
  }
}
