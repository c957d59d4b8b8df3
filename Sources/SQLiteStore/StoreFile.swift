import Model
import PartitionCore
import SQLiteFolder
import StateStore
import Wire

/// The file that holds the checkpoints of all partitions.
///
/// One row a key, in the order (partition, kind, key): what recovery needs of a partition — its holds — stands
/// together, and a batch that is sorted like this walks the tree once. `offset` is the checkpoint that wrote the row,
/// for whoever looks into the file; checkpoints come in order (`StoreWriter.write`). Only idempotency keys have an
/// expiry, and only they stand in its index.
public enum StoreFile {
  public static let file = DatabaseFile(
    name: "store.sqlite", applicationID: 0x4b53_544f, version: 1, pageBytes: 4_096,
    schema: [
      """
      CREATE TABLE entities (
        partition INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, expiry INTEGER, offset INTEGER NOT NULL,
        body BLOB NOT NULL, PRIMARY KEY (partition, kind, key)) WITHOUT ROWID
      """,
      "CREATE INDEX expiries ON entities (partition, expiry) WHERE expiry IS NOT NULL",
      "CREATE TABLE checkpoints (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, header BLOB)",
    ])

  /// A partition as it stands in a row: the service times 4096, and the index.
  static func number(of partition: PartitionID) -> Int64 {
    Int64(partition.service.rawValue) << 12 | Int64(partition.index)
  }

  static func partition(_ number: Int64) -> PartitionID? {
    guard let value = UInt8(exactly: number >> 12), let service = Service(rawValue: value) else { return nil }
    return PartitionID(service, UInt16(number & 0xfff))
  }
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
