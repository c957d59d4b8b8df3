import Model
import PartitionCore
import Wire

/// One partition whose rows are divided among its heirs: what every store does with them, and what they add up to.
package struct MovedPartition {
  /// What a store has to do for some rows.
  package struct Changes {
    package var added: [(place: UInt16, row: StoredRow, expiry: Int64?)] = []
    /// Rows that the partition no longer has.
    package var gone: [StoredRow] = []
  }

  private let partition: PartitionID
  private let plan: GrowthPlan
  private let header: CheckpointHeader?
  private let place: String
  private var found = StoreTotals()
  private var after: [UInt16: StoreTotals] = [:]

  /// - Parameters:
  ///   - header: the partition's checkpoint.
  ///   - place: the file or database that has the rows, for messages.
  package init(_ partition: PartitionID, _ plan: GrowthPlan, _ header: CheckpointHeader?, in place: String) {
    self.partition = partition
    self.plan = plan
    self.header = header
    self.place = place
  }

  /// Says where rows of the partition belong.
  /// - Throws: `GrowthRefusal` for a row of a checkout that has not ended, or of another partition; `StoreFailure` for
  ///   a damaged one.
  package mutating func place(_ rows: [StoredRow], _ total: inout GrownRows) throws -> Changes {
    var changes = Changes()
    for row in rows {
      let key = try StoredRows.key(kind: row.kind, text: row.text, of: partition, in: place)
      let entity = try row.body.withUnsafeBytes { try StoredRows.entity($0, for: key, of: partition, in: place) }
      row.body.withUnsafeBytes { found.insert(kind: row.kind, key: row.text, $0) }
      var expiry: Int64?
      if case .idempotency(let record) = entity { expiry = record.expiry.milliseconds }
      let places = try plan.places(of: key, entity, in: partition, at: header?.now ?? .zero)
      for heir in places {
        row.body.withUnsafeBytes { after[heir, default: StoreTotals()].insert(kind: row.kind, key: row.text, $0) }
        if heir != partition.index { changes.added.append((heir, row, expiry)) }
      }
      if places.contains(partition.index) {
        total.copied += places.count - 1
      } else {
        total.moved += 1
        changes.gone.append(row)
      }
    }
    total.seen += rows.count
    return changes
  }

  /// The checkpoints of the partition and of its heirs, once all rows have their places; those that begin with nothing
  /// are left out.
  /// - Parameters:
  ///   - kept: what the partition's checkpoint says that its rows add up to; nil if it says nothing.
  ///   - offsets: where the checkpoints of heirs are, if not at `GrowthPlan.firstOffset`.
  /// - Throws: `GrowthRefusal` if the rows are not those that the checkpoint left.
  package func headers(
    kept: StoreTotals?, _ offsets: [PartitionID: Int64] = [:]
  ) throws(GrowthRefusal) -> [(partition: PartitionID, header: CheckpointHeader, totals: StoreTotals)] {
    guard found == kept ?? found, header != nil || found == StoreTotals() else {
      throw GrowthRefusal(
        "\(partition): its rows are not the ones that its checkpoint left; run kassa verify, and restore a backup")
    }
    return plan.heirs(of: partition.index).compactMap { index in
      let heir = PartitionID(partition.service, index)
      let begun = plan.header(of: heir, from: header, at: offsets[heir] ?? GrowthPlan.firstOffset)
      guard let header = heir == partition ? header : begun else { return nil }
      return (heir, header, after[index] ?? StoreTotals())
    }
  }
}
