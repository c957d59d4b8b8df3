import CSQLite
import Glibc

/// A failure reported by SQLite.
public struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// SQLite's extended result code.
  public let code: Int32
  /// A sentence that names the file.
  public let message: String

  public init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }

  /// A file that is not, or is no longer, what this program writes.
  public static func damaged(_ message: String) -> DatabaseError {
    DatabaseError(code: SQLITE_CORRUPT, message: message)
  }

  public var description: String { message }

  /// The disk is full, or the quota is exhausted.
  public var isDiskFull: Bool { code & 0xff == SQLITE_FULL }
  /// What the file holds on disk is no longer known, and trying again would not reveal it.
  public var isSyncFailure: Bool {
    code == SQLITE_IOERR | (4 << 8) || code == SQLITE_IOERR | (5 << 8)  // SQLITE_IOERR_FSYNC, SQLITE_IOERR_DIR_FSYNC
  }
  /// The file is not a database, or is damaged.
  public var isDamage: Bool { code & 0xff == SQLITE_CORRUPT || code & 0xff == SQLITE_NOTADB }
}

/// One connection to an SQLite file. Owned by one thread at a time.
///
/// Statements keep their connection alive; it is closed when the last of them is gone (`sqlite3_close_v2`).
public final class Database {
  public enum Mode: Sendable {
    case readOnly
    case readWrite
    case create
  }

  public let path: String
  let handle: OpaquePointer

  /// Opens a file.
  /// - Parameter busyMilliseconds: how long to wait for another connection's lock.
  /// - Throws: `DatabaseError`.
  public init(path: String, mode: Mode, busyMilliseconds: Int32 = 5_000) throws(DatabaseError) {
    var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    switch mode {
    case .readOnly: flags |= SQLITE_OPEN_READONLY
    case .readWrite: flags |= SQLITE_OPEN_READWRITE
    case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    }
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, flags, FileFaults.vfsName)
    guard code == SQLITE_OK, let opened else {
      let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
      sqlite3_close_v2(opened)
      throw DatabaseError(code: code, message: "\(path): cannot be opened: \(reason)")
    }
    handle = opened
    self.path = path
    sqlite3_busy_timeout(handle, busyMilliseconds)
  }

  deinit { sqlite3_close_v2(handle) }

  /// The newest error, with what was being done.
  func error(_ code: Int32, _ action: String) -> DatabaseError {
    let extended = sqlite3_extended_errcode(handle)
    let reason = String(cString: sqlite3_errmsg(handle))
    let error = DatabaseError(
      code: extended & 0xff == code & 0xff ? extended : code, message: "\(path): \(action) failed: \(reason)")
    guard error.isDamage else { return error }
    return DatabaseError(
      code: error.code,
      message: "\(path): damaged, or not a database (SQLite: \(reason)); restore log and store from the same backup "
        + "with kassa restore")
  }

  /// Runs statements that return nothing of interest.
  /// - Throws: `DatabaseError`.
  public func execute(_ sql: String) throws(DatabaseError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code, sql) }
  }

  /// Compiles a statement to be run many times.
  /// - Throws: `DatabaseError`.
  public func prepare(_ sql: String) throws(DatabaseError) -> Statement {
    var compiled: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
    guard code == SQLITE_OK, let compiled else { throw error(code, sql) }
    return Statement(compiled, self, sql)
  }

  /// The first column of the first row, as an integer; nil if there is no row or it is NULL.
  /// - Throws: `DatabaseError`.
  public func integer(_ sql: String) throws(DatabaseError) -> Int64? {
    let statement = try prepare(sql)
    return try statement.step() && !statement.isNull(0) ? statement.integer(0) : nil
  }

  /// Checks that the file is still at its path.
  /// - Throws: `DatabaseError` if it was deleted, moved or replaced while open: what is written to it is lost to every
  ///   later process.
  public func checkPlace() throws(DatabaseError) {
    var hasMoved: Int32 = 0
    let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    guard code == SQLITE_OK, hasMoved != 0 else { return }
    throw DatabaseError(
      code: SQLITE_READONLY | 4 << 8, message: "\(path): was deleted, moved or replaced while in use")
  }

  /// A transaction is open.
  public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Begins a transaction in which this connection sees the file as it is now. Writers continue, and their write-ahead
  /// log grows until it ends.
  /// - Throws: `DatabaseError`.
  public func hold() throws(DatabaseError) {
    try execute("BEGIN")
    // The first read determines the moment.
    _ = try integer("SELECT count(*) FROM sqlite_schema")
  }

  /// Rolls back what is open, if anything is.
  public func rollback() {
    if isInTransaction { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  /// Copies as much of the write-ahead log into the database as readers allow, without waiting. Returns the number of
  /// pages in the write-ahead log and how many of them have been copied.
  /// - Throws: `DatabaseError`.
  @discardableResult
  public func checkpoint() throws(DatabaseError) -> (logged: Int, copied: Int) {
    let (_, logged, copied) = try copyLog()
    return (max(Int(logged), 0), max(Int(copied), 0))
  }

  /// The same. Returns whether everything has been copied.
  /// - Throws: `DatabaseError`.
  func fold() throws(DatabaseError) -> Bool {
    let (code, logged, copied) = try copyLog()
    return code == SQLITE_OK && logged == copied
  }

  private func copyLog() throws(DatabaseError) -> (code: Int32, logged: Int32, copied: Int32) {
    var logged: Int32 = 0
    var copied: Int32 = 0
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied)
    guard code == SQLITE_OK || code == SQLITE_BUSY else { throw error(code, "the checkpoint") }
    return (code, logged, copied)
  }

  /// Whether the write-ahead log stays beside the file when this connection is the last one to be closed.
  func keepLog(_ isKept: Bool) {
    var persists: Int32 = isKept ? 1 : 0
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &persists)
  }

  /// Sets `counter` to the pages in the write-ahead log after each commit of this connection; turns off SQLite's own
  /// checkpoints.
  public func observeLog(_ counter: LogPageCounter) {
    sqlite3_wal_hook(
      handle,
      { context, _, _, pages in
        guard let context else { return SQLITE_OK }
        Unmanaged<LogPageCounter>.fromOpaque(context).takeUnretainedValue().pages = Int(pages)
        return SQLITE_OK
      }, Unmanaged.passUnretained(counter).toOpaque())
    self.counter = counter
  }

  /// These keep the hooks' contexts alive as long as the connection exists.
  private var counter: LogPageCounter?
  private var observer: ReplacedRowObserver?

  /// Shows `observer` each row that a statement of this connection replaces or deletes, as it was.
  public func observeReplaced(_ observer: ReplacedRowObserver) {
    sqlite3_preupdate_hook(
      handle,
      { context, handle, operation, _, table, _, _ in
        guard operation != SQLITE_INSERT, let context, let handle, let table else { return }
        Unmanaged<ReplacedRowObserver>.fromOpaque(context).takeUnretainedValue()
          .replaces(ReplacedRow(handle: handle, table: table))
      }, Unmanaged.passUnretained(observer).toOpaque())
    self.observer = observer
  }
}

/// The pages in a write-ahead log as of the newest commit. Owned by the connection's thread.
public final class LogPageCounter {
  public internal(set) var pages = 0
  public init() {}
}
