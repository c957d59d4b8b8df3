import Model
import PartitionCore

/// What a partition's rows add up to: how many there are of each kind, and a hash of them all.
///
/// A store changes it in the same transaction as its rows, and keeps it beside the checkpoint. So an audit notices
/// rows that were changed, added or lost, also without the log. It guards against mistakes, not against forgery.
public struct StoreTotals: Hashable, Sendable, CustomStringConvertible {
  /// Ascending by kind, without those that are 0.
  private(set) var counts: [Count] = []
  private(set) var hash = StateHash()

  struct Count: Hashable {
    let kind: UInt8
    var count: UInt64
  }

  /// Of no rows.
  public init() {}

  /// - Parameter counts: of different kinds, none of them 0.
  init(counts: [Count], hash: StateHash) {
    self.counts = counts.sorted { $0.kind < $1.kind }
    self.hash = hash
  }

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
