import Model

/// A hash of a set of entities, independent of their order and of the process, machine or release.
///
/// Each entity's key and row are hashed to 128 bits (MurmurHash3), and these are added modulo 2^128. So partitions can
/// be hashed separately and combined, and, except by chance, two states are equal if their hashes are. It guards
/// against mistakes, not against forged rows.
public struct StateHash: Hashable, Sendable, CustomStringConvertible {
  private(set) var high: UInt64 = 0
  private(set) var low: UInt64 = 0

  /// The hash of no entities.
  public init() {}

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The hash of one entity, from its key's kind and text and the bytes of its row.
  ///
  /// Before the row are its kind, the length of the text, and the text: so no two pairs give the same bytes.
  init(kind: UInt8, key: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) {
    // On the stack, unless the row is large.
    (high, low) = withUnsafeTemporaryAllocation(
      byteCount: Self.prefixBytesMax + key.count + body.count, alignment: 8
    ) { buffer in
      var end = 0
      Self.append(varint: UInt64(kind), to: buffer, &end)
      Self.append(varint: UInt64(key.count), to: buffer, &end)
      UnsafeMutableRawBufferPointer(rebasing: buffer[end...]).copyMemory(from: key)
      end += key.count
      UnsafeMutableRawBufferPointer(rebasing: buffer[end...]).copyMemory(from: body)
      end += body.count
      let hash = MurmurHash3(UnsafeRawBufferPointer(rebasing: buffer[..<end]))
      return (hash.first, hash.second)
    }
  }

  /// Of two varints.
  private static let prefixBytesMax = 20

  private static func append(varint value: UInt64, to buffer: UnsafeMutableRawBufferPointer, _ end: inout Int) {
    var rest = value
    while rest >= 0x80 {
      buffer[end] = UInt8(truncatingIfNeeded: rest) | 0x80
      rest >>= 7
      end += 1
    }
    buffer[end] = UInt8(truncatingIfNeeded: rest)
    end += 1
  }

  /// Adds an entity that is not in the set yet.
  public mutating func insert(_ key: EntityKey, _ entity: Entity) {
    var writer = Writer(capacity: 256)
    entity.write(to: &writer)
    var text = EntityCodec.text(of: key)
    combine(
      text.withUTF8 { text in
        writer.withBytes { StateHash(kind: EntityCodec.kind(of: key), key: UnsafeRawBufferPointer(text), $0) }
      })
  }

  /// Adds a set of other entities.
  public mutating func combine(_ other: StateHash) {
    let (sum, carry) = low.addingReportingOverflow(other.low)
    low = sum
    high = high &+ other.high &+ (carry ? 1 : 0)
  }

  /// Takes out a set of entities that are in it.
  mutating func subtract(_ other: StateHash) {
    let (difference, borrow) = low.subtractingReportingOverflow(other.low)
    low = difference
    high = high &- other.high &- (borrow ? 1 : 0)
  }

  /// 32 hexadecimal digits.
  public var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
