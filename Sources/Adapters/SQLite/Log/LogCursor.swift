import Ports
import Model

/// Reads records and marks in the log's order. Owned by one thread.
final class LogCursor {
  /// A row of `records` with its partition; the body is valid until the next one.
  struct Row {
    let sequence: Int64
    let partition: PartitionID?
    let offset: Int64
    let body: UnsafeRawBufferPointer
  }

  let path: String
  let partitionCount: Int
  private let database: Database
  private let records, newestMarks: Statement

  init(_ database: Database, partitionCount: Int) throws(DatabaseError) {
    self.database = database
    self.partitionCount = partitionCount
    path = database.path
    records = try database.prepare(
      """
      SELECT sequence, partition, offset, body FROM records WHERE sequence > ? AND sequence <= ?
      ORDER BY sequence LIMIT ?
      """)
    newestMarks = try database.prepare("SELECT sequence, offsets FROM marks ORDER BY sequence DESC")
  }

  var slots: Int { partitionCount * Service.allCases.count }

  /// Calls `body` for each of up to `limit` records, until it returns false.
  func forEach(
    after: Int64, through: Int64, limit: Int, _ body: (Row) throws(LogFailure) -> Bool
  ) throws(LogFailure) {
    records.bind(1, after)
    records.bind(2, through)
    records.bind(3, Int64(limit))
    defer { records.reset() }
    while try LogFailure.reading({ () throws(DatabaseError) in try records.step() }) {
      let row = Row(
        sequence: records.integer(0), partition: LogFile.partition(records.integer(1)), offset: records.integer(2),
        body: records.bytes(3))
      guard try body(row) else { return }
    }
  }

  /// Calls `body` for each mark, newest first, until it returns false.
  func forEachMark(_ body: (LogMark) -> Bool) throws(DatabaseError) {
    defer { newestMarks.reset() }
    while try newestMarks.step() {
      guard body(LogMark(sequence: newestMarks.integer(0), bytes: newestMarks.bytes(1), slots: slots)) else { return }
    }
  }
}

/// What the marks reveal about a file.
struct LogMarks {
  private let cursor: LogCursor

  init(_ cursor: LogCursor) { self.cursor = cursor }

  /// Where the file begins and ends: the oldest mark, and the newest one plus the records after it.
  ///
  /// Those records are checked: positions and offsets without gaps, of partitions that exist.
  func ends() throws(DatabaseError) -> (base: LogMark, end: LogMark, newestMark: Int64) {
    var newest: LogMark?
    var oldest: LogMark?
    try cursor.forEachMark { mark in
      newest = newest ?? mark
      oldest = mark
      return true
    }
    guard let base = oldest, var end = newest else {
      throw .damaged("\(cursor.path): has no mark of its beginning; restore it from its backup")
    }
    let newestMark = end.sequence
    do throws(LogFailure) {
      try cursor.forEach(after: newestMark, through: .max, limit: .max) { row throws(LogFailure) in
        let slot = row.partition.flatMap {
          $0.slot(of: cursor.partitionCount)
        }
        guard let slot, row.sequence == end.sequence + 1, row.offset == end.offsets[slot] else {
          throw LogFailure(
            .format, "\(cursor.path): record \(row.sequence) does not follow the one before; restore it from its backup"
          )
        }
        end.sequence = row.sequence
        end.offsets[slot] += 1
        return true
      }
    } catch {
      throw .damaged(error.message)
    }
    return (base, end, newestMark)
  }

  /// A position before the first record that a reader after `offsets` needs, as late as the marks allow.
  func start(for offsets: [Int: Int64]) throws(DatabaseError) -> Int64 {
    var start: Int64 = 0
    try cursor.forEachMark { mark in
      start = mark.sequence
      return !offsets.allSatisfy { slot, offset in mark.offsets[slot] <= offset + 1 }
    }
    return start
  }
}

extension LogFailure {
  static func reading<Result>(_ body: () throws(DatabaseError) -> Result) throws(LogFailure) -> Result {
    do throws(DatabaseError) {
      return try body()
    } catch {
      throw LogFailure(error.isDamage ? .format : .read, error.message)
    }
  }
}
