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
  init(kind: UInt8, key: String, _ body: UnsafeRawBufferPointer) {
    var writer = Writer(capacity: body.count + key.utf8.count + 8)
    writer.raw(body)
    self.init(kind, key, behind: &writer)
  }

  /// - Parameter writer: has the row.
  private init(_ kind: UInt8, _ key: String, behind writer: inout Writer) {
    // Before the row: kind, length of the text, text; so no two pairs give the same bytes.
    writer.raw(key)
    writer.varint(UInt64(key.utf8.count))
    writer.varint(UInt64(kind))
    (high, low) = writer.withBytes(MurmurHash3.hash)
  }

  /// Adds an entity that is not in the set yet.
  public mutating func insert(_ key: EntityKey, _ entity: Entity) {
    var writer = Writer(capacity: 256)
    entity.write(to: &writer)
    combine(StateHash(EntityCodec.kind(of: key), EntityCodec.text(of: key), behind: &writer))
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
