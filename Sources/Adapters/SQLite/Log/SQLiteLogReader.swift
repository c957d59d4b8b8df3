import Ports
import Model
import PartitionCore

/// Reads a data folder's log for tools, even while a server writes it. Owned by one thread.
public final class SQLiteLogReader {
  private let database: Database
  private let cursor: LogCursor

  /// Opens the log of the folder at `path`, read-only.
  /// - Throws: `DataFolderFailure` if it is not a Kassa data folder, `LogFailure` if the file cannot be read.
  public init(path: String) throws {
    let format = try DataFolder.readFormat(path, files: [LogFile.file])
    let database = try LogFailure.reading { () throws(DatabaseError) in
      try LogFile.file.open(in: path, mode: .readOnly)
    }
    self.database = database
    cursor = try LogFailure.reading { () throws(DatabaseError) in
      try LogCursor(database, partitionCount: format.partitionCount)
    }
  }

  /// From now on all reads see the present state, whatever a server writes and trims. The write-ahead log grows as long
  /// as this reader exists.
  /// - Throws: `LogFailure`.
  public func hold() throws(LogFailure) {
    try LogFailure.reading { () throws(DatabaseError) in try database.hold() }
  }

  /// Copies a held log into a new file, and releases it.
  /// - Parameter progress: gets the bytes that have been copied.
  /// - Throws: `DatabaseError`; then the new file is worth nothing.
  package func copy(to path: String, progress: (Int64) -> Void) throws(DatabaseError) {
    try database.copy(to: path, progress: progress)
    database.rollback()
  }

  /// The bytes that a copy has.
  /// - Throws: `DatabaseError`.
  package func byteCount() throws(DatabaseError) -> Int64 { try database.byteCount() }

  /// Up to `limit` records of all partitions after a place in the sequence, in the log's order; none at its end.
  /// Trimmed records are left out.
  /// - Throws: `LogFailure`.
  package func read(after sequence: UInt64, limit: Int) throws(LogFailure) -> [LoggedRecord] {
    let base = try ends().base.sequence
    var expected: Int64?
    var records: [LoggedRecord] = []
    let start = max(Int64(clamping: sequence), base)
    try cursor.forEach(after: start, through: .max, limit: limit) { row throws(LogFailure) in
      guard let partition = row.partition, row.sequence == expected ?? row.sequence else {
        throw LogFailure(.format, "\(cursor.path): record \(row.sequence) does not follow the one before")
      }
      expected = row.sequence + 1
      records.append(
        LoggedRecord(
          partition: partition, offset: row.offset, sequence: UInt64(clamping: row.sequence),
          content: EncodedRecord.decode(row.body)))
      return true
    }
    return records
  }

  /// The latest time in each partition's records after an offset, -1 if none is given; partitions without records are
  /// left out. Records that cannot be decoded are skipped.
  /// - Throws: `LogFailure`.
  public func newestTimes(after offsets: [PartitionID: Int64]) throws(LogFailure) -> [PartitionID: Timestamp] {
    var bySlot = Dictionary(uniqueKeysWithValues: (0..<cursor.slots).map { ($0, Int64(-1)) })
    for (partition, offset) in offsets {
      let slot = partition.slot(of: cursor.partitionCount)
      if let slot { bySlot[slot] = offset }
    }
    let start = try LogFailure.reading { () throws(DatabaseError) in try LogMarks(cursor).start(for: bySlot) }
    var newest: [PartitionID: Timestamp] = [:]
    try cursor.forEach(after: start, through: .max, limit: .max) { row throws(LogFailure) in
      guard let partition = row.partition, row.offset > offsets[partition] ?? -1,
        case .record(let logged) = EncodedRecord.decode(row.body), case .turn(let record) = logged
      else { return true }
      newest[partition] = max(newest[partition] ?? record.time, record.time)
      return true
    }
    return newest
  }

  /// The offsets of a partition's records in the log; empty if it has none. nil if there is no such partition.
  /// - Throws: `LogFailure`.
  public func offsets(of partition: PartitionID) throws(LogFailure) -> Range<Int64>? {
    let slot = partition.slot(of: cursor.partitionCount)
    guard let slot else { return nil }
    let (base, end) = try ends()
    let first = base.offsets[slot]
    return first..<max(first, end.offsets[slot])
  }

  /// Every partition's first offset that the log still has, or will have.
  /// - Throws: `LogFailure`.
  public func beginnings() throws(LogFailure) -> [PartitionID: Int64] {
    let base = try ends().base
    var beginnings: [PartitionID: Int64] = [:]
    for service in Service.allCases {
      for index in 0..<cursor.partitionCount {
        let partition = PartitionID(service, UInt16(index))
        let slot = partition.slot(of: cursor.partitionCount)
        if let slot { beginnings[partition] = base.offsets[slot] }
      }
    }
    return beginnings
  }

  /// The places in the sequence that the log has: after the first, up to and including the second.
  /// - Throws: `LogFailure`.
  package func positions() throws(LogFailure) -> (after: UInt64, through: UInt64) {
    let (base, end) = try ends()
    return (UInt64(clamping: base.sequence), UInt64(clamping: end.sequence))
  }

  /// What was set aside in a partition's log, by offset.
  /// - Throws: `LogFailure`.
  public func quarantined(of partition: PartitionID) throws(LogFailure) -> [QuarantinedRecord] {
    try LogFailure.reading { () throws(DatabaseError) in
      let find = try database.prepare(
        "SELECT offset, body, reason FROM quarantined WHERE partition = ? ORDER BY offset")
      find.bind(1, LogFile.number(of: partition))
      var found: [QuarantinedRecord] = []
      while try find.step() {
        found.append(
          QuarantinedRecord(offset: find.integer(0), bytes: Array(find.bytes(1)), reason: find.text(2)))
      }
      return found
    }
  }

  /// One record; nil if the log does not have it.
  /// - Throws: `LogFailure`.
  package func record(at offset: Int64, of partition: PartitionID) throws(LogFailure) -> LoggedRecord.Content? {
    try LogFailure.reading { () throws(DatabaseError) in
      let find = try database.prepare("SELECT body FROM records WHERE partition = ? AND offset = ?")
      find.bind(1, LogFile.number(of: partition))
      find.bind(2, offset)
      return try find.step() ? EncodedRecord.decode(find.bytes(0)) : nil
    }
  }

  private func ends() throws(LogFailure) -> (base: LogMark, end: LogMark) {
    try LogFailure.reading { () throws(DatabaseError) in
      // One transaction, so that a server's trimming changes nothing between the queries.
      let isHeld = database.isInTransaction
      if !isHeld { try database.execute("BEGIN") }
      defer { if !isHeld { database.rollback() } }
      let ends = try LogMarks(cursor).ends()
      return (ends.base, ends.end)
    }
  }
}
