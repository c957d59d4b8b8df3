/// Reads what a broker sent, bounded by its length: every read past the end is nil.
struct BrokerCursor {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var rest: Int { bytes.count - position }

  mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
    guard rest >= MemoryLayout<Number>.size else { return nil }
    let value = bytes.loadUnaligned(fromByteOffset: position, as: Number.self)
    position += MemoryLayout<Number>.size
    return Number(bigEndian: value)
  }

  /// A text after its length; empty if absent.
  mutating func text() -> String? {
    guard let count: Int16 = number(), count >= -1, rest >= Int(count) else { return nil }
    guard count > 0 else { return "" }
    defer { position += Int(count) }
    return String(validating: bytes[position..<position + Int(count)], as: UTF8.self)
  }

  /// As many elements as the count before them says; nil if one of them is cut off. Each takes bytes, so no count
  /// costs more time or memory than what was sent.
  mutating func array<Element>(_ element: (inout BrokerCursor) -> Element?) -> [Element]? {
    guard let count: Int32 = number() else { return nil }
    var elements: [Element] = []
    var left = max(count, 0)
    while left > 0 {
      guard let next = element(&self) else { return nil }
      elements.append(next)
      left -= 1
    }
    return elements
  }
}

extension [UInt8] {
  /// Appends a number in the brokers' byte order.
  mutating func append<Number: FixedWidthInteger>(big number: Number) {
    Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
  }

  /// Appends a text after its length; what no length can express is cut off.
  mutating func append(kafkaText text: String) {
    let bytes = text.utf8.prefix(Int(Int16.max))
    append(big: Int16(bytes.count))
    append(contentsOf: bytes)
  }

  /// Appends a number in as few bytes as it needs, the sign in its lowest bit.
  mutating func append(varint number: Int) {
    var rest = UInt64(bitPattern: Int64(number << 1) ^ Int64(number >> 63))
    while rest > 0x7F {
      append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// Appends what `body` appends, after its length.
  mutating func append(behindLength body: (inout [UInt8]) -> Void) {
    let start = count
    append(big: Int32(0))
    body(&self)
    replace(at: start, with: UInt32(truncatingIfNeeded: count - start - 4))
  }

  mutating func replace(at place: Int, with number: UInt32) {
    withUnsafeMutableBytes { $0.storeBytes(of: number.bigEndian, toByteOffset: place, as: UInt32.self) }
  }
}

/// Divides what a broker sends into answers, each after its length.
struct AnswerReader {
  /// The longest answer allowed: the metadata of a thousand brokers with ten thousand partitions.
  static let answerBytesMax = 8 << 20

  enum Next: Equatable {
    case answer(Range<Int>)
    case incomplete
    /// Longer than an answer may be, or shorter than its head.
    case rubbish
  }

  private var bytes: [UInt8] = []
  private var position = 0

  mutating func append(_ more: UnsafeRawBufferPointer) {
    if position == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 17)
      position = 0
    } else if position >= 1 << 16 {
      bytes.removeFirst(position)
      position = 0
    }
    bytes.append(contentsOf: more)
  }

  mutating func next() -> Next {
    bytes.withUnsafeBytes { bytes in
      var cursor = BrokerCursor(UnsafeRawBufferPointer(rebasing: bytes[position...]))
      guard let count: Int32 = cursor.number() else { return .incomplete }
      guard (4...Self.answerBytesMax).contains(Int(count)) else { return .rubbish }
      guard cursor.rest >= Int(count) else { return .incomplete }
      let start = position + 4
      position = start + Int(count)
      return .answer(start..<position)
    }
  }

  func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
