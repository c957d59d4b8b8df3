import Model

/// A hash of a set of entities, independent of their order and of the process, machine or release.
///
/// Each entity's key and row are hashed to 128 bits (MurmurHash3), and these are added modulo 2^128. So partitions can
/// be hashed separately and combined, and, except by chance, two states are equal if their hashes are. It guards
/// against mistakes, not against forged rows.
public struct StateHash: Hashable, Sendable, CustomStringConvertible {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  /// The hash of no entities.
  public init() {}

  /// Adds an entity that is not in the set yet.
  public mutating func insert(_ key: EntityKey, _ entity: Entity) {
    var writer = Writer(capacity: 256)
    entity.write(to: &writer)
    // Before the row: kind, length of the text, text; so no two pairs give the same bytes.
    let text = EntityCodec.text(of: key)
    writer.raw(text)
    writer.varint(UInt64(text.utf8.count))
    writer.varint(UInt64(EntityCodec.kind(of: key)))
    let (high, low) = writer.withBytes(MurmurHash3.hash)
    add(high, low)
  }

  /// Adds a set of other entities.
  public mutating func combine(_ other: StateHash) { add(other.high, other.low) }

  private mutating func add(_ high: UInt64, _ low: UInt64) {
    let (sum, carry) = self.low.addingReportingOverflow(low)
    self.low = sum
    self.high = self.high &+ high &+ (carry ? 1 : 0)
  }

  /// 32 hexadecimal digits.
  public var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

  private static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
