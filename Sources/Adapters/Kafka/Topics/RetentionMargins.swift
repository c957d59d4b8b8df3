import Ports
import Model

/// How far retention is from the records that the owners of some partitions still need.
struct RetentionMargins: Sendable {
  private struct Entry: Sendable {
    /// The newest offset that the owner does not need; nil before it is known.
    var trimmedThrough: Int64?
    /// The topic, when last asked about.
    var bounds: LogBounds?
  }

  private var entries: [PartitionID: Entry] = [:]

  var partitions: [PartitionID] { entries.keys.sorted() }

  /// An owner announces itself. What is known of an earlier one no longer counts: a restored store may be behind.
  mutating func announce(_ partition: PartitionID) { entries[partition] = Entry(bounds: entries[partition]?.bounds) }

  mutating func forget(_ partition: PartitionID) { entries[partition] = nil }

  /// The first reading of an owner begins after its checkpoint; later ones begin where it already was.
  mutating func read(_ partition: PartitionID, from offset: Int64) {
    guard let entry = entries[partition], entry.trimmedThrough == nil else { return }
    entries[partition]?.trimmedThrough = offset - 1
  }

  mutating func trim(_ partition: PartitionID, through offset: Int64) {
    guard let entry = entries[partition] else { return }
    entries[partition]?.trimmedThrough = max(entry.trimmedThrough ?? -1, offset)
  }

  mutating func note(_ bounds: [PartitionID: LogBounds]) {
    for (partition, bounds) in bounds { entries[partition]?.bounds = bounds }
  }

  /// Records that may still be removed before one is missing, if known.
  var margins: [PartitionID: Int64] {
    entries.compactMapValues { entry in
      guard let bounds = entry.bounds, let trimmed = entry.trimmedThrough, trimmed < .max else { return nil }
      return bounds.margin(after: trimmed)
    }
  }
}
