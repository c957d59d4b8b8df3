import Model
import Ports
import Wire

/// Finds what a partition's rows add up to after a checkpoint, from the answers to its statements.
struct CheckpointTally {
  private let partition: PartitionID
  private let name: String
  /// The totals before; nil if the partition has none.
  private var before: StoreTotals?
  /// Why they cannot be read.
  private var damage: StoreFailure?
  /// The rows that are replaced or deleted.
  var replaced = StoreTotals()

  /// - Parameter name: the server's and database's name.
  init(_ partition: PartitionID, _ name: String) {
    self.partition = partition
    self.name = name
  }

  /// Takes the row of the partition's header before the checkpoint.
  mutating func noteHeader(_ rows: borrowing Rows) {
    guard let bytes = rows.bytes(0, 0) else { return }
    do throws(StoreFailure) {
      before = try StoredRows.totals(bytes, of: partition, in: name)
    } catch {
      damage = error
    }
  }

  /// What the partition's rows add up to now, in the checkpoint's transaction.
  /// - Parameters:
  ///   - written: the rows that the checkpoint inserted or updated.
  ///   - rowsMax: per statement.
  /// - Throws: `lost`; `refused`, also if the totals before cannot be read.
  func totals(
    adding written: StoreTotals, rowsMax: Int, on connection: Connection
  ) throws(PostgresFailure) -> StoreTotals {
    if let damage { throw .refused(state: "XX001", message: damage.message) }
    guard var totals = before else {
      // A checkpoint of an earlier version, or none: all rows are counted once.
      return try EntityRows(name, partition).totals(rowsMax: rowsMax, on: connection)
    }
    totals.add(written)
    totals.subtract(replaced)
    return totals
  }
}
