/// Writes protobuf fields backwards: the last field of a message first, and the length once the message is complete.
///
/// Protobuf puts a message's length before its content, so a forward writer must compute all sizes first, or leave room
/// and move bytes. Going backwards, the length is known when it is needed, in one pass. So fields are written in
/// descending order of their numbers, and repeated ones from last to first; the resulting bytes are in ascending order,
/// as from any other writer.
///
/// As in proto3, numbers that are 0 are left out; a member of a oneof is written whatever its value.
struct Writer: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  /// Everything from here to `capacity` is written.
  private var head: Int

  /// - Parameter capacity: initial size in bytes, at least 1; the buffer grows as needed.
  init(capacity: Int) {
    self.capacity = capacity
    head = capacity
    base = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit { base.deallocate() }

  var count: Int { capacity - head }

  /// The bytes written so far, valid while `body` runs.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: base + head, count: count))
  }

  /// Makes room for `size` bytes in front and moves the head there.
  @inline(__always)
  private mutating func advance(_ size: Int) {
    if head < size { grow(size) }
    head -= size
  }

  @inline(never)
  private mutating func grow(_ size: Int) {
    let grown = max(capacity * 2, count + size)
    let new = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 8)
    (new + (grown - count)).copyMemory(from: base + head, byteCount: count)
    base.deallocate()
    head = grown - count
    capacity = grown
    base = new
  }

  // MARK: Parts of fields

  @inline(__always)
  mutating func varint(_ value: UInt64) {
    if value < 0x80 {
      advance(1)
      base.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: head, as: UInt8.self)
    } else {
      longVarint(value)
    }
  }

  @inline(never)
  private mutating func longVarint(_ value: UInt64) {
    let size = (63 - value.leadingZeroBitCount) / 7 + 1
    advance(size)
    var rest = value
    for place in 0..<size - 1 {
      base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: head + place, as: UInt8.self)
      rest >>= 7
    }
    base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: head + size - 1, as: UInt8.self)
  }

  @inline(__always)
  mutating func tag(_ field: Int, _ type: WireType) {
    varint(UInt64(field << 3) | UInt64(type.rawValue))
  }

  mutating func raw(_ text: String) {
    let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { bytes in
      guard let start = bytes.baseAddress else { return }
      advance(bytes.count)
      (base + head).copyMemory(from: start, byteCount: bytes.count)
    }
    if isWritten == nil {
      for byte in text.utf8.reversed() {
        advance(1)
        base.storeBytes(of: byte, toByteOffset: head, as: UInt8.self)
      }
    }
  }

  // MARK: Fields

  /// A number; left out if it is 0.
  @inline(__always)
  mutating func number(_ field: Int, _ value: UInt64) {
    guard value != 0 else { return }
    present(field, value)
  }

  /// A number that must not be negative; left out if it is 0.
  @inline(__always)
  mutating func number(_ field: Int, _ value: Int64) {
    number(field, UInt64(bitPattern: value))
  }

  /// A number that is written even if it is 0.
  @inline(__always)
  mutating func present(_ field: Int, _ value: UInt64) {
    varint(value)
    tag(field, .varint)
  }

  /// A number that may be negative, small in both directions (`sint64`); left out if it is 0.
  mutating func zigzag(_ field: Int, _ value: Int64) { number(field, Self.folded(value)) }

  /// The same, written even if it is 0.
  mutating func presentZigzag(_ field: Int, _ value: Int64) { present(field, Self.folded(value)) }

  private static func folded(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

  /// Eight bytes, little-endian; left out if they are 0.
  @inline(__always)
  mutating func fixed64(_ field: Int, _ value: UInt64) {
    guard value != 0 else { return }
    advance(8)
    base.storeBytes(of: value.littleEndian, toByteOffset: head, as: UInt64.self)
    tag(field, .fixed64)
  }

  /// A text that is written even if it is empty; no valid one is.
  @inline(__always)
  mutating func text(_ field: Int, _ text: String) {
    let end = count
    raw(text)
    varint(UInt64(count - end))
    tag(field, .lengthDelimited)
  }

  /// A message; `body` writes its fields, the last one first.
  @inline(__always)
  mutating func message(_ field: Int, _ body: (inout Writer) -> Void) {
    let end = count
    body(&self)
    varint(UInt64(count - end))
    tag(field, .lengthDelimited)
  }
}

/// How a field's value is laid out. Source: https://protobuf.dev/programming-guides/encoding/#structure
enum WireType: UInt8, Sendable {
  case varint = 0
  case fixed64 = 1
  case lengthDelimited = 2
  case fixed32 = 5
}
