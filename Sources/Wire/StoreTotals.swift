import Model
import PartitionCore

/// What a partition's rows add up to: how many there are of each kind, and a hash of them all.
///
/// A store changes it in the same transaction as its rows, and keeps it beside the checkpoint. So an audit notices
/// rows that were changed, added or lost, also without the log. It guards against mistakes, not against forgery.
public struct StoreTotals: Hashable, Sendable, CustomStringConvertible {
  /// Without those that are 0.
  private var counts: [UInt8: UInt64] = [:]
  private var hash = StateHash()

  /// Of no rows.
  public init() {}

  /// Adds a row that is not among them yet: the text of its key, and its bytes as the store has them.
  public mutating func insert(kind: UInt8, key: String, _ body: UnsafeRawBufferPointer) {
    hash.combine(StateHash(kind: kind, key: key, body))
    count(kind, 1)
  }

  /// Takes out a row that is among them.
  public mutating func remove(kind: UInt8, key: String, _ body: UnsafeRawBufferPointer) {
    hash.subtract(StateHash(kind: kind, key: key, body))
    count(kind, .max)
  }

  /// Adds modulo 2^64.
  private mutating func count(_ kind: UInt8, _ difference: UInt64) {
    let sum = counts[kind, default: 0] &+ difference
    counts[kind] = sum == 0 ? nil : sum
  }

  private static let names = ["orders", "items", "holds", "users", "payments", "keys"]

  /// Such as `2 users, 5 keys (hash 00…)`.
  public var description: String {
    let counted = counts.sorted { $0.key < $1.key }.map { kind, count in
      "\(count) " + ((1...6).contains(kind) ? Self.names[Int(kind) - 1] : "rows of kind \(kind)")
    }
    return (counted.isEmpty ? "nothing" : counted.joined(separator: ", ")) + " (hash \(hash))"
  }
}

extension StoreTotals {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    self.init()
    var (high, low) = (UInt64(0), UInt64(0))
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let (kind, count) = try Self.kindCount(reader.message(field))
        // So there are no more than kinds.
        guard count > 0, counts.updateValue(count, forKey: kind) == nil else {
          throw .invalid("the totals' counts", "are 0 or repeat a kind")
        }
      case 2: high = try reader.fixed64(field)
      case 3: low = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    hash = StateHash(high: high, low: low)
  }

  private static func kindCount(_ wire: Reader) throws(WireError) -> (UInt8, UInt64) {
    var reader = wire
    var (kind, count) = (UInt32(0), UInt64(0))
    while let field = try reader.next() {
      switch field.number {
      case 1: kind = try reader.narrow(field, "the totals' kind")
      case 2: count = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    guard let narrow = UInt8(exactly: kind) else { throw .invalid("the totals' kind", "is out of range") }
    return (narrow, count)
  }

  func write(to writer: inout Writer) {
    writer.fixed64(3, hash.low)
    writer.fixed64(2, hash.high)
    for (kind, count) in counts.sorted(by: { $0.key > $1.key }) {
      writer.message(1) {
        $0.number(2, count)
        $0.number(1, UInt64(kind))
      }
    }
  }
}
