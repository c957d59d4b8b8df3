/// The values of one statement, in PostgreSQL's binary form.
struct Parameters {
  /// Never empty: an empty value needs an address, or it would be taken for a null.
  private(set) var bytes: [UInt8] = [0]
  /// Where each value is in `bytes`.
  private(set) var ranges: [Range<Int>] = []

  private mutating func add(_ write: (inout [UInt8]) -> Void) {
    let start = bytes.count
    write(&bytes)
    ranges.append(start..<bytes.count)
  }

  mutating func add(_ value: some FixedWidthInteger) { add { $0.append(bigEndian: value) } }
  mutating func add(_ text: String) { add { $0.append(contentsOf: text.utf8) } }
  mutating func add(_ value: [UInt8]) { add { $0.append(contentsOf: value) } }
  mutating func add(_ column: Column) { add { column.write(to: &$0) } }

  /// A column of many rows: one array, which `unnest` turns back into rows.
  struct Column {
    /// The PostgreSQL types of Kassa's columns, by their numbers in its catalogue.
    enum Element: Int32 {
      case bytea = 17
      case bigint = 20
      case smallint = 21
      case text = 25
    }

    private let element: Element
    private var bytes: [UInt8] = []
    private(set) var count = 0

    init(_ element: Element) { self.element = element }

    var byteCount: Int { bytes.count }

    mutating func append(_ value: some FixedWidthInteger) {
      bytes.append(bigEndian: Int32(value.bitWidth / 8))
      bytes.append(bigEndian: value)
      count += 1
    }

    mutating func append(_ text: String) {
      append { $0.append(contentsOf: text.utf8) }
    }

    /// A value as it is written; the caller ensures that it is shorter than 2 GiB.
    mutating func append(_ write: (inout [UInt8]) -> Void) {
      let start = bytes.count
      bytes.append(bigEndian: Int32(0))
      write(&bytes)
      let length = Int32(clamping: bytes.count - start - 4)
      for place in 0..<4 { bytes[start + place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * Int32(place))) }
      count += 1
    }

    /// Passes the last `count` bytes that were appended to `body`.
    func withLast(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
      bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.suffix(count))) }
    }

    mutating func appendNull() {
      bytes.append(bigEndian: Int32(-1))
      count += 1
    }

    fileprivate func write(to target: inout [UInt8]) {
      target.reserveCapacity(target.count + bytes.count + 20)
      // Dimensions, whether there may be nulls, the elements' type; then the length and the lower bound.
      target.append(bigEndian: Int32(count == 0 ? 0 : 1))
      target.append(bigEndian: Int32(1))
      target.append(bigEndian: element.rawValue)
      guard count > 0 else { return }
      target.append(bigEndian: Int32(clamping: count))
      target.append(bigEndian: Int32(1))
      target.append(contentsOf: bytes)
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }
}
