import Model
import PartitionCore

/// What a partition's rows add up to: how many there are of each kind, and a hash of them all.
///
/// A store changes it in the same transaction as its rows, and keeps it beside the checkpoint. So an audit notices
/// rows that were changed, added or lost, also without the log. It guards against mistakes, not against forgery.
public struct StoreTotals: Hashable, Sendable, CustomStringConvertible {
  /// Ascending by kind, without those that are 0.
  private var counts: [Count] = []
  private var hash = StateHash()

  private struct Count: Hashable {
    let kind: UInt8
    var count: UInt64
  }

  /// Of no rows.
  public init() {}

  /// Adds a row that is not among them yet: the text of its key, and its bytes as the store has them.
  public mutating func insert(kind: UInt8, key: String, _ body: UnsafeRawBufferPointer) {
    var key = key
    key.withUTF8 { insert(kind: kind, key: UnsafeRawBufferPointer($0), body) }
  }

  /// The same, with the key's text in UTF-8.
  public mutating func insert(kind: UInt8, key: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer) {
    hash.combine(StateHash(kind: kind, key: key, body))
    count(kind, 1)
  }

  /// Adds other rows.
  public mutating func add(_ other: StoreTotals) {
    hash.combine(other.hash)
    for row in other.counts { count(row.kind, row.count) }
  }

  /// Takes out rows that are among them.
  public mutating func subtract(_ other: StoreTotals) {
    hash.subtract(other.hash)
    for row in other.counts { count(row.kind, 0 &- row.count) }
  }

  /// Adds modulo 2^64.
  private mutating func count(_ kind: UInt8, _ difference: UInt64) {
    let place = counts.firstIndex { $0.kind >= kind } ?? counts.count
    if place == counts.count || counts[place].kind != kind { counts.insert(Count(kind: kind, count: 0), at: place) }
    counts[place].count &+= difference
    if counts[place].count == 0 { counts.remove(at: place) }
  }

  private static let names = ["orders", "items", "holds", "users", "payments", "keys"]

  /// Such as `2 users, 5 keys (hash 00…)`.
  public var description: String {
    let counted = counts.map { row in
      "\(row.count) " + ((1...6).contains(row.kind) ? Self.names[Int(row.kind) - 1] : "rows of kind \(row.kind)")
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
        guard count > 0, !counts.contains(where: { $0.kind == kind }) else {
          throw .invalid("the totals' counts", "are 0 or repeat a kind")
        }
        self.count(kind, count)
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
    for row in counts.reversed() {
      writer.message(1) {
        $0.number(2, row.count)
        $0.number(1, UInt64(row.kind))
      }
    }
  }
}
