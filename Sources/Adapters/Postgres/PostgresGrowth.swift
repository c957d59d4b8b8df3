import Model
import PartitionCore
import Ports
import Wire

/// Moves the rows of one service's database to more partitions, in one transaction. Owned by one thread.
///
/// From the beginning the transaction holds the row of the database's identity and those of all partitions. A pod that
/// wants to own a partition reads the first for itself (`Acquisition`): it waits, and then finds the new count.
package final class PostgresGrowth {
  /// What a partition's row says.
  package struct Held: Hashable, Sendable {
    package let header: CheckpointHeader?
    package let epoch: UInt64
  }

  package let name: String
  /// The partition count of the database.
  package let partitionCount: Int
  private let service: Service
  private let cluster: String
  private let connection: Connection
  private let options: PostgresOptions

  /// How long the transaction may wait for those of the other services.
  private static let idleMillisecondsMax = 6 * 60 * 60 * 1_000

  /// Connects, begins, and takes the database for itself.
  /// - Throws: `StoreFailure` if the server cannot be reached, the database is not one of this service, or somebody
  ///   uses it.
  package init(_ connection: String, service: Service, cluster: String) throws(StoreFailure) {
    let target = try ConnectionString(connection)
    var options = PostgresOptions()
    options.statementMillisecondsMax = Self.idleMillisecondsMax
    options.silenceMillisecondsMax = Self.idleMillisecondsMax + 60_000
    self.options = options
    self.service = service
    self.cluster = cluster
    name = target.name
    do throws(PostgresFailure) {
      let (opened, found) = try Session.openForReading(target, service, options)
      guard found.cluster == cluster else {
        throw .foreign("the database belongs to the cluster '\(found.cluster)', not to '\(cluster)'")
      }
      self.connection = opened
      var count: Int64?
      try opened.perform(
        send: { connection throws(PostgresFailure) in
          try connection.send(.begin)
          try connection.send(text: "SELECT partition_count::int8 FROM kassa.identity FOR UPDATE")
          try connection.send(text: "SELECT epoch FROM kassa.checkpoints FOR UPDATE")
        }, each: { statement, rows in if statement == 1 { count = rows.bigint(0, 0) } })
      guard let count, let exact = Int(exactly: count) else { throw .foreign("the database does not report its count") }
      partitionCount = exact
    } catch {
      throw error.storeFailure(.write, at: target.name)
    }
  }

  /// The row of a partition.
  /// - Throws: `StoreFailure`.
  package func held(_ partition: PartitionID) throws(StoreFailure) -> Held {
    var found: (epoch: UInt64, bytes: [UInt8]?) = (0, nil)
    try performing { connection throws(PostgresFailure) in
      try connection.send(.header, of: partition)
    } each: { _, rows in
      found.epoch = rows.bigint(0, 0).map { UInt64(clamping: $0) } ?? 0
      found.bytes = rows.bytes(0, 1).map { Array($0) }
    }
    let header = try found.bytes.map { bytes throws(StoreFailure) in
      try Self.decode(bytes) { raw throws(StoreFailure) in try StoredRows.header(raw, of: partition, in: name) }
    }
    return Held(header: header, epoch: found.epoch)
  }

  private func totals(of partition: PartitionID) throws(StoreFailure) -> StoreTotals? {
    var found: [UInt8]?
    try performing { connection throws(PostgresFailure) in
      try connection.send(.header, of: partition)
    } each: { _, rows in
      found = rows.bytes(0, 1).map { Array($0) }
    }
    guard let found else { return nil }
    return try Self.decode(found) { raw throws(StoreFailure) in try StoredRows.totals(raw, of: partition, in: name) }
  }

  private static func decode<Value>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(StoreFailure) -> Value
  ) throws(StoreFailure) -> Value {
    let result = bytes.withUnsafeBytes { raw -> Result<Value, StoreFailure> in
      do throws(StoreFailure) {
        return .success(try body(raw))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Messages of a partition that nobody has acknowledged.
  /// - Throws: `StoreFailure`.
  package func unsentMessages(of partition: PartitionID) throws(StoreFailure) -> Int {
    var count = 0
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    try performing { connection throws(PostgresFailure) in
      try connection.send(text: "SELECT count(*) FROM kassa.outbox WHERE partition = $1::int2", parameters)
    } each: { _, rows in
      count = Int(clamping: rows.bigint(0, 0) ?? 0)
    }
    return count
  }

  // MARK: Moving

  /// Puts every row where it belongs; it counts with `commit`.
  /// - Parameters:
  ///   - offsets: the offset that each new partition's checkpoint is at; those that are not named begin with nothing.
  ///   - progress: gets the rows looked at so far.
  /// - Throws: `GrowthRefusal`, `StoreFailure`; then nothing is changed.
  package func move(
    _ plan: GrowthPlan, offsets: [PartitionID: Int64], progress: (Int) -> Void
  ) throws -> GrownRows {
    var total = GrownRows()
    for index in 0..<plan.from.count {
      let partition = PartitionID(service, UInt16(truncatingIfNeeded: index))
      let held = try held(partition)
      var moved = MovedPartition(partition, plan, held.header, in: name)
      var after: (kind: Int16, key: String)? = (.min, "")
      while let last = after {
        let batch = try page(of: partition, after: last)
        after = batch.count == options.batchRowsMax ? batch.last.map { (Int16($0.kind), $0.text) } : nil
        try write(try moved.place(batch, &total), from: partition)
        progress(total.seen)
      }
      for (heir, header, totals) in try moved.headers(kept: try totals(of: partition), offsets) {
        try write(header, totals, of: heir)
      }
    }
    try performing { connection throws(PostgresFailure) in
      var parameters = Parameters()
      parameters.add(Int32(clamping: plan.to.count))
      try connection.send(text: "UPDATE kassa.identity SET partition_count = $1::int4", parameters)
    }
    return total
  }

  /// Makes it count. Where the answer is lost, the next run finds out.
  /// - Throws: `StoreFailure`.
  package func commit() throws(StoreFailure) {
    var isCommitted = false
    try performing { connection throws(PostgresFailure) in
      try connection.send(.commit)
    } each: { _, rows in
      isCommitted = rows.tag == "COMMIT"
    }
    guard isCommitted else { throw StoreFailure(.write, "\(name): the transaction was rolled back") }
  }

  private func page(of partition: PartitionID, after: (kind: Int16, key: String)) throws(StoreFailure) -> [StoredRow] {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    parameters.add(after.kind)
    parameters.add(after.key)
    parameters.add(Int64(options.batchRowsMax))
    var page: [StoredRow] = []
    try performing { connection throws(PostgresFailure) in
      try connection.send(.every, parameters)
    } each: { _, rows in
      page.reserveCapacity(rows.count)
      for row in 0..<rows.count {
        page.append(
          StoredRow(
            kind: UInt8(clamping: rows.smallint(row, 0) ?? 0), text: rows.text(row, 1) ?? "",
            body: rows.bytes(row, 2).map { Array($0) } ?? []))
      }
    }
    return page
  }

  private func write(_ changes: MovedPartition.Changes, from partition: PartitionID) throws(StoreFailure) {
    var (places, kinds, keys) = (
      Parameters.Column(.smallint), Parameters.Column(.smallint), Parameters.Column(.text)
    )
    var (expiries, bodies) = (Parameters.Column(.bigint), Parameters.Column(.bytea))
    for added in changes.added {
      places.append(Int16(truncatingIfNeeded: added.place))
      kinds.append(Int16(added.row.kind))
      keys.append(added.row.text)
      if let expiry = added.expiry { expiries.append(expiry) } else { expiries.appendNull() }
      bodies.append { $0.append(contentsOf: added.row.body) }
    }
    var (goneKinds, goneKeys) = (Parameters.Column(.smallint), Parameters.Column(.text))
    for row in changes.gone {
      goneKinds.append(Int16(row.kind))
      goneKeys.append(row.text)
    }
    var inserted = Parameters()
    inserted.add(GrowthPlan.firstOffset)
    for column in [places, kinds, keys, expiries, bodies] { inserted.add(column) }
    var deleted = Parameters()
    deleted.add(Int16(truncatingIfNeeded: partition.index))
    deleted.add(goneKinds)
    deleted.add(goneKeys)
    var (insertedCount, deletedCount) = (0, 0)
    try performing { connection throws(PostgresFailure) in
      try connection.send(text: Self.insert, inserted)
      try connection.send(text: Self.delete, deleted)
    } each: { statement, rows in
      if statement == 0 { insertedCount = rows.changed } else { deletedCount = rows.changed }
    }
    guard insertedCount == changes.added.count, deletedCount == changes.gone.count else {
      throw StoreFailure(.write, "\(name): the rows of \(partition) changed meanwhile; nothing was moved")
    }
  }

  // the log's offset, partitions, kinds, keys, expiries, bodies
  private static let insert = """
    INSERT INTO kassa.entities (partition, kind, key, expiry, log_offset, body)
    SELECT u.partition, u.kind, u.key, u.expiry, $1::int8, u.body
    FROM unnest($2::int2[], $3::int2[], $4::text[], $5::int8[], $6::bytea[]) AS u (partition, kind, key, expiry, body)
    """
  // partition, kinds, keys
  private static let delete = """
    DELETE FROM kassa.entities WHERE ctid = ANY (ARRAY(
      SELECT e.ctid FROM unnest($2::int2[], $3::text[]) AS u (kind, key) CROSS JOIN LATERAL (
        SELECT ctid FROM kassa.entities
        WHERE partition = $1::int2 AND kind = u.kind AND key = u.key COLLATE "C" LIMIT 1) AS e))
    """

  private func write(_ header: CheckpointHeader, _ totals: StoreTotals, of partition: PartitionID) throws(StoreFailure)
  {
    var bytes: [UInt8] = []
    CheckpointCodec.encode(header, totals: totals, into: &bytes)
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    parameters.add(header.offset)
    parameters.add(bytes)
    try performing { connection throws(PostgresFailure) in
      try connection.send(
        text: """
          INSERT INTO kassa.checkpoints (partition, epoch, turn, log_offset, header, written_at)
          VALUES ($1::int2, 0, 0, $2::int8, $3::bytea, now())
          ON CONFLICT (partition) DO UPDATE SET header = excluded.header, written_at = now()
          """, parameters)
    }
  }

  private func performing(
    _ send: (Connection) throws(PostgresFailure) -> Void, each: (Int, borrowing Rows) -> Void = { _, _ in }
  ) throws(StoreFailure) {
    do throws(PostgresFailure) {
      try connection.perform(send: send, each: each)
    } catch {
      throw error.storeFailure(.write, at: name)
    }
  }
}
