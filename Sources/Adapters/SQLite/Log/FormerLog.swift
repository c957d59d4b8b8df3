import Ports
import Glibc
import Model
import PartitionCore
import Wire

/// The log of a folder as version 0.1.0 wrote it: anybody appended to any partition, and messages are in their
/// receivers' logs. The upgrade reads and completes it once. Owned by one thread.
package final class FormerLog {
  /// The same file in the previous version.
  package static let file = DatabaseFile(
    name: LogFile.file.name, applicationID: LogFile.file.applicationID, version: 1, pageBytes: LogFile.file.pageBytes,
    schema: [])

  /// Where an upgraded folder keeps it, if its history was to be kept. Nothing changes it.
  package static let keptName = "log-0.1.sqlite"

  /// Whether a folder holds a log of that version.
  /// - Throws: `LogFailure` if the file cannot be read.
  package static func isThere(in path: String) throws(LogFailure) -> Bool {
    guard DataFolder.holds(LogFile.file, path) else { return false }
    return try LogFailure.reading { () throws(DatabaseError) in
      let database = try Database(path: "\(path)/\(LogFile.file.name)", mode: .readOnly)
      let application = try database.integer("PRAGMA application_id")
      let version = try database.integer("PRAGMA user_version")
      return application == Int64(LogFile.file.applicationID) && version == 1
    }
  }

  private let database: Database
  private let cursor: LogCursor
  /// Where the file begins and ends.
  private let base: LogMark
  private var end: LogMark

  /// - Throws: `LogFailure`.
  package init(_ folder: DataFolder) throws(LogFailure) {
    let partitionCount = folder.format.partitionCount
    let path = folder.path
    let opened = try LogFailure.reading { () throws(DatabaseError) in
      let database = try Self.file.open(in: path, mode: .readWrite)
      let cursor = try LogCursor(database, partitionCount: partitionCount)
      return (database, cursor, try LogMarks(cursor).ends())
    }
    database = opened.0
    cursor = opened.1
    base = opened.2.base
    end = opened.2.end
  }

  /// A partition's first offset, and that of its next record.
  package func offsets(of partition: PartitionID) -> Range<Int64> {
    guard let slot = partition.slot(of: cursor.partitionCount) else { return 0..<0 }
    return base.offsets[slot]..<max(base.offsets[slot], end.offsets[slot])
  }

  /// Passes all records to `body`, in the log's order.
  /// - Throws: `LogFailure`, or what `body` throws.
  package func forEach(_ body: (Delivery) throws -> Void) throws {
    var failure: (any Error)?
    try cursor.forEach(after: base.sequence, through: .max, limit: .max) { row throws(LogFailure) in
      guard let partition = row.partition else {
        throw LogFailure(.format, "\(cursor.path): record \(row.sequence) is of no partition")
      }
      let content: Delivery.Content
      do throws(WireError) {
        content = .record(try RecordCodec.decode(row.body))
      } catch {
        content = .undecodable(reason: "\(error)")
      }
      do {
        try body(Delivery(partition: partition, offset: row.offset, position: .zero, content: content))
      } catch {
        failure = error
      }
      return failure == nil
    }
    if let failure { throw failure }
  }

  /// Appends what a restart would have appended, in one transaction.
  /// - Throws: `LogFailure`; then nothing was appended.
  package func append(_ records: [(partition: PartitionID, record: Record)]) throws(LogFailure) {
    guard !records.isEmpty else { return }
    var end = end
    try writing { () throws(DatabaseError) in
      let insert = try database.prepare("INSERT INTO records (sequence, partition, offset, body) VALUES (?, ?, ?, ?)")
      for (partition, record) in records {
        guard let slot = partition.slot(of: cursor.partitionCount) else { continue }
        var body: [UInt8] = []
        RecordCodec.encode(record, into: &body)
        end.sequence += 1
        insert.bind(1, end.sequence)
        insert.bind(2, LogFile.number(of: partition))
        insert.bind(3, end.offsets[slot])
        insert.bind(4, copying: body)
        try insert.run()
        end.offsets[slot] += 1
      }
    }
    self.end = end
  }

  /// Turns it into a log of the current version, which continues where this one ends. The checkpoints contain
  /// everything.
  ///
  /// - Parameter copy: where to keep a copy of the former log; nil for none.
  /// - Throws: `LogFailure`; then it is unchanged.
  package func convert(keepingAt copy: String?) throws(LogFailure) {
    if let copy { try keep(at: copy) }
    try writing { () throws(DatabaseError) in
      try database.execute("DELETE FROM records")
      try database.execute("DELETE FROM marks")
      try database.execute("DELETE FROM quarantined")
      let mark = try database.prepare("INSERT INTO marks (sequence, offsets) VALUES (?, ?)")
      mark.bind(1, end.sequence)
      mark.bind(2, copying: end.bytes)
      try mark.run()
      try database.execute("PRAGMA user_version = \(LogFile.file.version)")
    }
  }

  /// Copies the log as a whole or not at all, whatever an earlier attempt left.
  private func keep(at copy: String) throws(LogFailure) {
    let part = copy + ".part"
    unlink(part)
    try LogFailure.reading { () throws(DatabaseError) in
      let keep = try database.prepare("VACUUM INTO ?")
      keep.bind(1, part)
      try keep.run()
    }
    guard rename(part, copy) == 0 else {
      throw LogFailure(.write, "\(copy): cannot be created: \(String(cString: strerror(errno)))")
    }
  }

  private func writing(_ body: () throws(DatabaseError) -> Void) throws(LogFailure) {
    do throws(DatabaseError) {
      try database.execute("BEGIN IMMEDIATE")
      try body()
      try database.execute("COMMIT")
      try database.checkpoint()
    } catch {
      database.rollback()
      throw LogFailure(.write, error.message)
    }
  }
}
