import CSQLite
import Glibc

extension Database {
  /// Bytes of one step of a copy. Between steps nothing of the file is locked.
  static let copiedStepBytes: Int64 = 1 << 20
  /// Bytes of a copy with which they are brought to the disk. Many at once would hold up the syncs of a server.
  static let copiedBytesUnsyncedMax: Int64 = 32 << 20

  /// The bytes of a copy that is made now.
  /// - Throws: `DatabaseError`.
  public func byteCount() throws(DatabaseError) -> Int64 { try pageCount() * pageBytes() }

  private func pageCount() throws(DatabaseError) -> Int64 { try integer("PRAGMA page_count") ?? 0 }
  private func pageBytes() throws(DatabaseError) -> Int64 { max(try integer("PRAGMA page_size") ?? 0, 512) }

  /// Copies the file as it is to this connection, page by page, into a new one, which is durable then.
  ///
  /// It has to be held (`hold`): otherwise SQLite starts again with every commit of another process. Writers
  /// continue meanwhile.
  /// - Parameters:
  ///   - path: where no file is.
  ///   - progress: gets the bytes that have been copied, after each step.
  /// - Throws: `DatabaseError`; then the new file is worth nothing.
  public func copy(to path: String, progress: (Int64) -> Void) throws(DatabaseError) {
    let pageBytes = try pageBytes()
    let target = try Database(path: path, mode: .create)
    // An incomplete copy is thrown away, and a complete one has been synced.
    try target.execute("PRAGMA journal_mode = OFF")
    try target.execute("PRAGMA synchronous = OFF")
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Self.failure(path, "opened", errno) }
    defer { close(file) }
    try target.takePages(of: self, pageBytes: pageBytes, syncing: file, progress)
    guard fchmod(file, 0o600) == 0, fsync(file) == 0 else { throw Self.failure(path, "synced", errno) }
  }

  private func takePages(
    of source: Database, pageBytes: Int64, syncing file: Int32, _ progress: (Int64) -> Void
  ) throws(DatabaseError) {
    guard let copy = sqlite3_backup_init(handle, "main", source.handle, "main") else {
      throw error(sqlite3_errcode(handle), "the copy of \(source.path)")
    }
    let stepPages = Int32(clamping: max(1, Self.copiedStepBytes / pageBytes))
    var code = SQLITE_OK
    var synced: Int64 = 0
    while code == SQLITE_OK {
      code = sqlite3_backup_step(copy, stepPages)
      let done = Int64(sqlite3_backup_pagecount(copy) - sqlite3_backup_remaining(copy)) * pageBytes
      if done - synced >= Self.copiedBytesUnsyncedMax {
        synced = done
        guard fdatasync(file) == 0 else {
          let reason = errno
          sqlite3_backup_finish(copy)
          throw Self.failure(path, "synced", reason)
        }
      }
      progress(done)
    }
    let end = sqlite3_backup_finish(copy)
    guard code == SQLITE_DONE, end == SQLITE_OK else {
      throw error(code == SQLITE_DONE ? end : code, "the copy of \(source.path)")
    }
  }

  private static func failure(_ path: String, _ action: String, _ code: Int32) -> DatabaseError {
    DatabaseError(
      code: code == ENOSPC ? SQLITE_FULL : SQLITE_IOERR,
      message: "\(path): cannot be \(action): \(String(cString: strerror(code)))")
  }
}
