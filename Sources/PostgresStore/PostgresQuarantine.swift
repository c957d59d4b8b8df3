import Model
import StateStore

/// Tells the next owner of a partition, on an operator's word, to leave out what it cannot apply in one record.
///
/// The topic stays as it is. A record that can be applied is applied all the same, so a wrong offset does no harm.
public enum PostgresQuarantine {
  /// Writes it down; a note for the same record is replaced.
  /// - Throws: `StoreFailure` when the database cannot be reached, is not one of this service, or has applied the
  ///   record already.
  public static func add(
    _ partition: PartitionID, offset: Int64, note: String, to connection: String,
    options: PostgresOptions = PostgresOptions()
  ) throws(StoreFailure) {
    if let contradiction = options.contradiction { throw StoreFailure(.format, contradiction) }
    let target = try ConnectionString(connection)
    var count = 0
    var changed = 0
    do throws(PostgresFailure) {
      let (connection, identity) = try Session.openForReading(target, partition.service, options)
      count = identity.partitionCount
      if Int(partition.index) < count {
        try connection.perform(
          send: { connection throws(PostgresFailure) in
            var parameters = Parameters()
            parameters.add(Int16(truncatingIfNeeded: partition.index))
            parameters.add(offset)
            parameters.add(note)
            try connection.send(text: insert, parameters)
          }, each: { _, rows in changed = rows.changed })
      }
    } catch {
      throw error.storeFailure(.write, at: target.name)
    }
    guard Int(partition.index) < count else {
      throw StoreFailure(.format, "\(target.name): there is no \(partition): it has \(count) partitions")
    }
    guard changed == 1 else {
      throw StoreFailure(.write, "\(target.name): offset \(offset) of \(partition) has been applied already")
    }
  }

  // partition, offset, note
  private static let insert = """
    INSERT INTO kassa.quarantined (partition, log_offset, note) SELECT $1::int2, $2::int8, $3::text
    WHERE NOT EXISTS (SELECT FROM kassa.checkpoints WHERE partition = $1::int2 AND log_offset >= $2::int8)
    ON CONFLICT (partition, log_offset) DO UPDATE SET note = excluded.note, made_at = now()
    """
}
