import Wire

/// Adds up the entities that a checkpoint replaces or deletes, as they were.
final class ReplacedEntities: ReplacedRowObserver {
  /// Since the checkpoint began; nil if one of them could not be read.
  private(set) var totals: StoreTotals? = StoreTotals()

  func begin() { totals = StoreTotals() }

  override func replaces(_ row: ReplacedRow) {
    guard row.isIn("entities") else { return }
    guard let kind = row.integer(1), let key = row.bytes(2), let body = row.bytes(5) else {
      totals = nil
      return
    }
    totals?.insert(kind: UInt8(clamping: kind), key: key, body)
  }
}
