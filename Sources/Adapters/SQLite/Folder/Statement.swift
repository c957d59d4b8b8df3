import CSQLite

/// One compiled statement. Owned by its connection's thread.
public final class Statement {
  private let handle: OpaquePointer
  private let database: Database
  private let sql: String

  init(_ handle: OpaquePointer, _ database: Database, _ sql: String) {
    self.handle = handle
    self.database = database
    self.sql = sql
  }

  deinit { sqlite3_finalize(handle) }

  // MARK: Parameters, counted from 1

  public func bind(_ place: Int32, _ value: Int64) { sqlite3_bind_int64(handle, place, value) }

  public func bindNull(_ place: Int32) { sqlite3_bind_null(handle, place) }

  /// Runs a statement that returns no rows, with a parameter bound to part of `bytes` without copying.
  /// - Throws: `DatabaseError`.
  public func run(binding place: Int32, to bytes: [UInt8], _ range: Range<Int>) throws(DatabaseError) {
    let result = bytes.withUnsafeBytes { bytes -> Result<Void, DatabaseError> in
      if range.isEmpty {
        sqlite3_bind_zeroblob(handle, place, 0)
      } else {
        let part = UnsafeRawBufferPointer(rebasing: bytes[range])
        sqlite3_bind_blob64(handle, place, part.baseAddress, UInt64(part.count), nil)
      }
      defer { sqlite3_bind_null(handle, place) }
      do throws(DatabaseError) {
        return .success(try run())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// Binds a copy of `bytes`.
  public func bind(_ place: Int32, copying bytes: [UInt8]) {
    bytes.withUnsafeBytes { bytes in
      if bytes.isEmpty {
        _ = sqlite3_bind_zeroblob(handle, place, 0)
      } else {
        _ = sqlite3_bind_blob64(handle, place, bytes.baseAddress, UInt64(bytes.count), Self.transient)
      }
    }
  }

  /// Binds a copy of `text`.
  public func bind(_ place: Int32, _ text: String) {
    var text = text
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { bytes in
        _ = sqlite3_bind_text(handle, place, bytes.baseAddress, Int32(clamping: bytes.count), Self.transient)
      }
    }
  }

  /// SQLITE_TRANSIENT: SQLite copies before it returns.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  // MARK: Running

  /// Steps to the next row. Returns false, and resets the statement, if there is none.
  /// - Throws: `DatabaseError`; then the statement is reset too.
  public func step() throws(DatabaseError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      sqlite3_reset(handle)
      return false
    case let code:
      let error = database.error(code, sql)
      sqlite3_reset(handle)
      throw error
    }
  }

  /// Runs a statement that returns no rows.
  /// - Throws: `DatabaseError`.
  public func run() throws(DatabaseError) { while try step() {} }

  /// Ends a query before its last row.
  public func reset() { sqlite3_reset(handle) }

  // MARK: Columns, counted from 0

  public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
  public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  /// The bytes of a column, valid until the next step; empty if it is NULL.
  public func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
    let start = sqlite3_column_blob(handle, column)
    return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
  }

  /// A column as text; invalid UTF-8 is repaired.
  public func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }
}
