import Model
import PartitionCore
import Ports

/// Tells the next owner of a partition, at an operator's request, to skip what it cannot apply in one record.
///
/// The topic is not changed. A record that can be applied is applied anyway, so a wrong number does no harm.
public enum PostgresQuarantine {
  /// Writes the note; replaces one for the same record.
  /// - Parameter number: the record's number in its partition, from 1.
  /// - Throws: `StoreFailure` if the database cannot be reached, does not belong to this service, or has already
  ///   applied the record.
  public static func add(
    _ partition: PartitionID, record number: UInt64, note: String, to connection: String,
    options: PostgresOptions = PostgresOptions()
  ) throws(StoreFailure) {
    // A checkpoint may pass the record before the note is written: then nobody reads the note.
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
