/// Reads the fields of one protobuf message from bytes that anybody may have written. Nothing here traps.
///
/// `next` returns the next field's head; then read its value with the matching call, or skip it. A field with a known
/// number and the wrong wire type is an error.
struct Reader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The head of a field.
  struct Field {
    let number: Int
    let type: WireType
  }

  /// The head of the next field, or nil at the end of the message.
  @inline(__always)
  mutating func next() throws(WireError) -> Field? {
    guard position < bytes.count else { return nil }
    let tag = try varint()
    guard let type = WireType(rawValue: UInt8(truncatingIfNeeded: tag & 7)) else {
      throw WireError("a field has wire type \(tag & 7), which is not used")
    }
    guard tag >= 8, tag <= UInt64(UInt32.max) else { throw WireError("a field has an impossible number") }
    return Field(number: Int(tag >> 3), type: type)
  }

  /// Skips a field that this version does not know.
  mutating func skip(_ field: Field) throws(WireError) {
    switch field.type {
    case .varint: _ = try varint()
    case .fixed64: try pass(8)
    case .fixed32: try pass(4)
    case .lengthDelimited: _ = try delimited()
    }
  }

  /// How many fields of a number follow, up to a bound: to reserve room for all. Stops counting where the bytes cannot
  /// be read.
  func count(of number: Int, max bound: Int) -> Int {
    var (reader, count) = (self, 0)
    while count < bound, let field = try? reader.next(), (try? reader.skip(field)) != nil {
      if field.number == number { count += 1 }
    }
    return count
  }

  private mutating func pass(_ size: Int) throws(WireError) {
    guard bytes.count - position >= size else { throw Self.truncated }
    position += size
  }

  // MARK: Values

  /// A number of 64 bits.
  @inline(__always)
  mutating func number(_ field: Field) throws(WireError) -> UInt64 {
    try expect(.varint, field)
    return try varint()
  }

  /// A number that may be negative (`sint64`).
  mutating func zigzag(_ field: Field) throws(WireError) -> Int64 {
    let value = try number(field)
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func fixed64(_ field: Field) throws(WireError) -> UInt64 {
    try expect(.fixed64, field)
    let start = position
    try pass(8)
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
  }

  /// The content of a text.
  @inline(__always)
  mutating func text(_ field: Field) throws(WireError) -> UnsafeRawBufferPointer {
    try expect(.lengthDelimited, field)
    return try delimited()
  }

  /// The content of a message.
  @inline(__always)
  mutating func message(_ field: Field) throws(WireError) -> Reader {
    try expect(.lengthDelimited, field)
    return Reader(try delimited())
  }

  @inline(__always)
  private func expect(_ type: WireType, _ field: Field) throws(WireError) {
    guard field.type == type else { throw Self.mismatch(field, type) }
  }

  @inline(__always)
  private mutating func delimited() throws(WireError) -> UnsafeRawBufferPointer {
    let length = try varint()
    guard length <= UInt64(bytes.count - position) else { throw Self.truncated }
    let start = position
    position += Int(length)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  @inline(__always)
  private mutating func varint() throws(WireError) -> UInt64 {
    guard position < bytes.count else { throw Self.truncated }
    let byte = bytes[position]
    guard byte >= 0x80 else {
      position += 1
      return UInt64(byte)
    }
    return try longVarint()
  }

  /// At most ten bytes, not necessarily as few as possible.
  @inline(never)
  private mutating func longVarint() throws(WireError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      guard shift < 63 || byte <= 1 else { throw WireError("a number has more than 64 bits") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw Self.truncated
  }

  // MARK: Errors, kept out of the fast path

  private static var truncated: WireError { WireError("the bytes end in the middle of a field") }

  @inline(never)
  private static func mismatch(_ field: Field, _ type: WireType) -> WireError {
    WireError("field \(field.number) has wire type \(field.type.rawValue) instead of \(type.rawValue)")
  }
}
