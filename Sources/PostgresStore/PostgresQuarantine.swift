import Model
import PartitionCore
import StateStore

/// Tells the next owner of a partition, on an operator's word, to leave out what it cannot apply in one record.
///
/// The topic stays as it is. A record that can be applied is applied all the same, so a wrong number does no harm.
public enum PostgresQuarantine {
  /// Writes it down; a note for the same record is replaced.
  /// - Parameter number: the record's among those of its partition, from 1.
  /// - Throws: `StoreFailure` when the database cannot be reached, is not one of this service, or has applied the
  ///   record already.
  public static func add(
    _ partition: PartitionID, record number: UInt64, note: String, to connection: String,
    options: PostgresOptions = PostgresOptions()
  ) throws(StoreFailure) {
    // Between this and the note a checkpoint may go past the record: then nobody looks at the note.
    let store = try PostgresStoreReader(connection, service: partition.service, options: options)
    let count = store.identity.partitionCount
    guard Int(partition.index) < count else {
      throw StoreFailure(.format, "\(store.name): there is no \(partition): it has \(count) partitions")
    }
    guard number > (try store.header(of: partition)?.number ?? 0) else {
      throw StoreFailure(.write, "\(store.name): record \(number) of \(partition) has been applied already")
    }
    try store.quarantine(number, of: partition, note: note)
  }
}
