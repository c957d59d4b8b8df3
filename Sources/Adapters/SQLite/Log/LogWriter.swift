import Ports
import Model

/// Writes groups of records and marks, and trims. Owned by the writer thread.
final class LogWriter {
  typealias Row = FileSequencer.Row

  private let database: Database
  private let begin, commit, insert, insertMark, deleteMarks, deleteRecords, nextMarkQuery: Statement
  private let counter = LogPageCounter()
  private let options: SQLiteLog.Options
  private let partitionCount: Int

  /// Where the file begins. No reader sees the records up to it.
  private(set) var base: LogMark
  /// The oldest mark after `base`, if any.
  private(set) var nextMark: LogMark?
  /// Where the file ends.
  private(set) var end: LogMark
  /// Records up to here are deleted; some between here and `base` still have to be.
  private var deletedThrough: Int64
  private var lastMarkSequence: Int64

  init(_ database: Database, _ options: SQLiteLog.Options, partitionCount: Int) throws(DatabaseError) {
    self.database = database
    self.options = options
    self.partitionCount = partitionCount
    // What an earlier process left in the write-ahead log is copied and synced again: if that process's sync failed,
    // the pages that the system still shows are not on disk.
    try database.checkpoint()
    begin = try database.prepare("BEGIN IMMEDIATE")
    commit = try database.prepare("COMMIT")
    insert = try database.prepare("INSERT INTO records (sequence, partition, offset, body) VALUES (?, ?, ?, ?)")
    insertMark = try database.prepare("INSERT OR REPLACE INTO marks (sequence, offsets) VALUES (?, ?)")
    deleteMarks = try database.prepare("DELETE FROM marks WHERE sequence < ?")
    deleteRecords = try database.prepare("DELETE FROM records WHERE sequence <= ?")
    nextMarkQuery = try database.prepare(
      "SELECT sequence, offsets FROM marks WHERE sequence > ? ORDER BY sequence LIMIT 1")
    let marks = LogMarks(try LogCursor(database, partitionCount: partitionCount))
    let ends = try marks.ends()
    base = ends.base
    end = ends.end
    lastMarkSequence = ends.newestMark
    deletedThrough = min(try database.integer("SELECT min(sequence) - 1 FROM records") ?? base.sequence, base.sequence)
    database.observeLog(counter)
    nextMark = try findNextMark()
  }

  /// Pages in the write-ahead log as of the newest commit.
  var logPages: Int { counter.pages }

  /// Copies as much of the write-ahead log as possible.
  func checkpoint() throws(DatabaseError) { try database.checkpoint() }

  /// Writes a group, and deletes some of what was trimmed, in one transaction.
  /// - Throws: `DatabaseError`; then the file must not be written to again.
  func write(_ rows: [Row], trimmedThrough: [Int64]?) throws(DatabaseError) {
    try begin.run()
    var end = end
    for row in rows {
      end.sequence = Int64(clamping: row.sequence)
      insert.bind(1, end.sequence)
      insert.bind(2, LogFile.number(of: row.partition))
      insert.bind(3, row.offset)
      try insert.run(binding: 4, to: row.body.bytes, row.body.range)
      if let slot = row.partition.slot(of: partitionCount) {
        end.offsets[slot] = row.offset + 1
      }
    }
    self.end = end
    if end.sequence - lastMarkSequence >= Int64(options.segmentRecordsMax) { try mark() }
    if let trimmedThrough { try trim(trimmedThrough, writing: rows.count) }
    try commit.run()
    // Never acknowledge what only this process can still see.
    try database.checkPlace()
  }

  private func mark() throws(DatabaseError) {
    insertMark.bind(1, end.sequence)
    insertMark.bind(2, copying: end.bytes)
    try insertMark.run()
    lastMarkSequence = end.sequence
    if nextMark == nil { nextMark = end }
  }

  // MARK: Trimming

  /// Whether a `write` would delete something.
  func isTrimDue(_ trimmedThrough: [Int64]) -> Bool {
    deletedThrough < base.sequence || isBaseMovable(trimmedThrough)
  }

  private func isBaseMovable(_ trimmedThrough: [Int64]) -> Bool {
    TrimRule(options).allows(base: base, nextMark: nextMark, end: end, trimmedThrough: trimmedThrough)
  }

  /// Moves the beginning of the file to the next mark, or deletes a bounded number of records before it: at least as
  /// many as are being written, so that trimming keeps up.
  private func trim(_ trimmedThrough: [Int64], writing count: Int) throws(DatabaseError) {
    if deletedThrough >= base.sequence, isBaseMovable(trimmedThrough) {
      if nextMark == nil { try mark() }
      guard let moved = nextMark else { return }
      deleteMarks.bind(1, moved.sequence)
      try deleteMarks.run()
      base = moved
      nextMark = try findNextMark()
    }
    guard deletedThrough < base.sequence else { return }
    let through = min(base.sequence, deletedThrough + Int64(max(options.trimRecordsMax, 2 * count)))
    deleteRecords.bind(1, through)
    try deleteRecords.run()
    deletedThrough = through
  }

  private func findNextMark() throws(DatabaseError) -> LogMark? {
    nextMarkQuery.bind(1, base.sequence)
    guard try nextMarkQuery.step() else { return nil }
    defer { nextMarkQuery.reset() }
    return LogMark(
      sequence: nextMarkQuery.integer(0), bytes: nextMarkQuery.bytes(1), slots: end.offsets.count)
  }
}

/// When the beginning of the file may move to its next mark.
struct TrimRule: Sendable {
  private let retention: LogRetention

  init(_ options: SQLiteLog.Options) { retention = options.retention }

  /// Without a mark to move to, the end of the file serves once nothing before it is needed.
  func allows(base: LogMark, nextMark: LogMark?, end: LogMark, trimmedThrough: [Int64]) -> Bool {
    guard case .recordsMin(let kept) = retention else { return false }
    let mark = nextMark ?? end
    return mark.sequence > base.sequence && end.sequence - mark.sequence >= Int64(kept)
      && mark.isTrimmable(trimmedThrough)
  }
}
