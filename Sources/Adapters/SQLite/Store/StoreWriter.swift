import Model
import PartitionCore
import Ports
import Wire

/// Writes checkpoints and epochs. Owned by the writer thread.
final class StoreWriter {
  private let database: Database
  private let rows: StoreRows
  private let begin, commit, upsert, delete, deleteExpired, writeHeader, raiseEpoch: Statement
  private let unsent: UnsentWriter
  private let counter = LogPageCounter()
  private let replaced = ReplacedEntities()
  private let options: SQLiteStore.Options

  init(_ database: Database, _ options: SQLiteStore.Options) throws(DatabaseError) {
    self.database = database
    self.options = options
    try database.execute("PRAGMA cache_size = -\(options.writerCacheKibibytes)")
    // What an earlier process left is copied and synced again: that process's sync may have failed.
    try database.checkpoint()
    rows = try StoreRows(database)
    begin = try database.prepare("BEGIN IMMEDIATE")
    commit = try database.prepare("COMMIT")
    upsert = try database.prepare(
      """
      INSERT INTO entities (partition, kind, key, expiry, offset, body) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET expiry = excluded.expiry, offset = excluded.offset, body = excluded.body
      """)
    delete = try database.prepare("DELETE FROM entities WHERE partition = ? AND kind = ? AND key = ?")
    deleteExpired = try database.prepare(
      """
      DELETE FROM entities WHERE partition = ?1 AND kind = ?2 AND key IN (
        SELECT key FROM entities WHERE partition = ?1 AND expiry <= ?3 AND expiry IS NOT NULL
        ORDER BY expiry LIMIT ?4)
      """)
    writeHeader = try database.prepare("UPDATE checkpoints SET header = ? WHERE partition = ?")
    raiseEpoch = try database.prepare(
      """
      INSERT INTO checkpoints (partition, epoch) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET epoch = ?2
      """)
    unsent = try UnsentWriter(database, rows)
    database.observeLog(counter)
    database.observeReplaced(replaced)
  }

  // MARK: Transactions

  func beginTransaction() throws(DatabaseError) { try begin.run() }
  func commitTransaction() throws(DatabaseError) {
    try commit.run()
    unsent.committed()
    // The log is trimmed up to what is stored here: a later process must read exactly this file.
    try database.checkPlace()
  }
  func rollback() {
    database.rollback()
    unsent.undone()
  }

  /// Copies the write-ahead log into the file if it has grown past its bound.
  func checkpointIfDue() throws(DatabaseError) {
    if counter.pages >= options.checkpointPagesDue { try database.checkpoint() }
  }

  // MARK: Within a transaction

  /// A statement met a failed sync: the file can no longer be trusted.
  private(set) var isSyncFailed = false

  private func writing(_ body: () throws(DatabaseError) -> Void) throws(StoreFailure) {
    do throws(DatabaseError) {
      try body()
    } catch {
      isSyncFailed = isSyncFailed || error.isSyncFailure
      throw StoreFailure(error.isDamage ? .format : .write, error.message)
    }
  }

  func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    let (epoch, header) = try rows.checkpoint(of: partition)
    let (raised, overflow) = max(epoch, floor).addingReportingOverflow(1)
    guard !overflow, let stored = Int64(exactly: raised) else {
      throw StoreFailure(.format, "\(rows.path): the epoch of \(partition) is out of range; restore it from its backup")
    }
    try writing { () throws(DatabaseError) in
      raiseEpoch.bind(1, StoreFile.number(of: partition))
      raiseEpoch.bind(2, stored)
      try raiseEpoch.run()
    }
    let (outbox, replies) = try unsent.acquire(partition)
    return Ownership(
      epoch: raised,
      recovery: Recovery(header: header, pinned: try rows.pinned(of: partition), outbox: outbox, replies: replies))
  }

  /// - Throws: `StoreFailure`; on `fenced` nothing of the batch was written.
  func write(_ batch: CheckpointBatch, epoch: UInt64) throws(StoreFailure) {
    let partition = batch.header.partition
    let stored = try rows.checkpoint(of: partition)
    try rows.checkEpoch(epoch, of: partition, newest: stored.epoch)
    // An owner's checkpoints come in order; a delayed one must not undo what a newer one wrote.
    guard batch.header.offset >= stored.header?.offset ?? -1 else {
      throw StoreFailure(
        .fenced,
        "\(rows.path): \(partition) is stored through offset \(stored.header?.offset ?? -1); a checkpoint of "
          + "\(batch.header.offset) is refused")
    }
    let kept = try rows.totals(of: partition)
    var added = StoreTotals()
    replaced.begin()
    let unsentChange = try unsent.change(to: batch)
    let changes = Self.sorted(batch.changes)
    var bytes: [UInt8] = []
    try writing { () throws(DatabaseError) in
      for change in changes { try write(change, of: batch.header, &added, &bytes) }
      try deleteExpired(batch.header)
      // A file of an earlier version has none: all rows are counted once, then.
      var totals: StoreTotals
      if let kept {
        guard let replaced = replaced.totals else {
          throw .damaged("\(rows.path): a row that was replaced cannot be read; \(StoredRows.advice)")
        }
        totals = kept
        totals.add(added)
        totals.subtract(replaced)
      } else {
        totals = try rows.count(partition)
      }
      bytes.removeAll(keepingCapacity: true)
      CheckpointCodec.encode(batch.header, totals: totals, into: &bytes)
      writeHeader.bind(2, StoreFile.number(of: partition))
      try writeHeader.run(binding: 1, to: bytes, bytes.indices)
      try unsent.write(unsentChange, of: partition, &bytes)
    }
  }

  /// A change with its key as the row stores it.
  private struct SortedChange {
    let kind: UInt8
    let text: String
    let value: Entity?
  }

  /// In table order: each page is visited once.
  private static func sorted(_ changes: [EntityChange]) -> [SortedChange] {
    changes.map { change in
      SortedChange(
        kind: EntityCodec.kind(of: change.key), text: EntityCodec.text(of: change.key), value: change.value)
    }
    .sorted { a, b in a.kind == b.kind ? a.text < b.text : a.kind < b.kind }
  }

  private func write(
    _ change: SortedChange, of header: CheckpointHeader, _ added: inout StoreTotals, _ bytes: inout [UInt8]
  ) throws(DatabaseError) {
    guard let value = change.value else {
      delete.bind(1, StoreFile.number(of: header.partition))
      delete.bind(2, Int64(change.kind))
      delete.bind(3, change.text)
      try delete.run()
      return
    }
    upsert.bind(1, StoreFile.number(of: header.partition))
    upsert.bind(2, Int64(change.kind))
    upsert.bind(3, change.text)
    if case .idempotency(let record) = value {
      upsert.bind(4, record.expiry.milliseconds)
    } else {
      upsert.bindNull(4)
    }
    upsert.bind(5, header.offset)
    bytes.removeAll(keepingCapacity: true)
    EntityCodec.encode(value, into: &bytes)
    bytes.withUnsafeBytes { added.insert(kind: change.kind, key: change.text, $0) }
    try upsert.run(binding: 6, to: bytes, bytes.indices)
  }

  private func deleteExpired(_ header: CheckpointHeader) throws(DatabaseError) {
    deleteExpired.bind(1, StoreFile.number(of: header.partition))
    deleteExpired.bind(2, Int64(Self.idempotencyKind))
    deleteExpired.bind(3, header.now.milliseconds)
    deleteExpired.bind(4, Int64(options.expiredRowsMax))
    try deleteExpired.run()
  }

  private static let idempotencyKind = EntityCodec.kind(of: .idempotency(IdempotencyKey(unchecked: "0")))
}
