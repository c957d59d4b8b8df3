import Model
import PartitionCore
import Ports
import Wire

/// The file that holds the checkpoints of all partitions.
///
/// One row per key, ordered by (partition, kind, key): what recovery needs of a partition — its holds — is contiguous,
/// and a batch in this order walks the tree once. `offset` is the checkpoint that wrote the row, for people who look
/// into the file; checkpoints come in order (`StoreWriter.write`). Only idempotency keys have an expiry, and only they
/// are in its index.
public enum StoreFile {
  public static let file = DatabaseFile(
    name: "store.sqlite", applicationID: 0x4b53_544f, version: 2, pageBytes: 4_096,
    schema: [
      """
      CREATE TABLE entities (
        partition INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, expiry INTEGER, offset INTEGER NOT NULL,
        body BLOB NOT NULL, PRIMARY KEY (partition, kind, key)) WITHOUT ROWID
      """,
      "CREATE INDEX expiries ON entities (partition, expiry) WHERE expiry IS NOT NULL",
      "CREATE TABLE checkpoints (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, header BLOB)",
    ] + unsentTables, upgrades: [1: unsentTables])

  /// Unacknowledged messages by destination and number, and replies in order. Since version 2.
  private static let unsentTables = [
    """
    CREATE TABLE outbox (
      partition INTEGER NOT NULL, destination INTEGER NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (partition, destination, number)) WITHOUT ROWID
    """,
    """
    CREATE TABLE replies (
      partition INTEGER NOT NULL, place INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (partition, place))
    WITHOUT ROWID
    """,
  ]
  /// The first version with these tables.
  static let unsentVersion: Int64 = 2

  /// A partition as rows store it.
  static func number(of partition: PartitionID) -> Int64 { Int64(partition.storedNumber) }
}

extension StoreFailure {
  static func reading<Result>(_ body: () throws(DatabaseError) -> Result) throws(StoreFailure) -> Result {
    do throws(DatabaseError) {
      return try body()
    } catch {
      throw StoreFailure(error.isDamage ? .format : .read, error.message)
    }
  }
}
