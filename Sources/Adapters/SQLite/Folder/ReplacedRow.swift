import CSQLite
import Glibc

/// Observes the rows that a connection replaces or deletes. Owned by the connection's thread.
open class ReplacedRowObserver {
  public init() {}

  /// Called within the statement that replaces or deletes the row.
  open func replaces(_ row: ReplacedRow) {}
}

/// A row as it was before a statement that replaces or deletes it; valid only while its observer is called.
public struct ReplacedRow {
  let handle: OpaquePointer
  let table: UnsafePointer<CChar>

  public func isIn(_ table: StaticString) -> Bool {
    strcmp(self.table, UnsafeRawPointer(table.utf8Start).assumingMemoryBound(to: CChar.self)) == 0
  }

  /// A column, counted from 0; nil if it cannot be read.
  public func integer(_ column: Int32) -> Int64? { value(column).map { sqlite3_value_int64($0) } }

  /// The bytes of a column, empty if it is NULL; nil if it cannot be read.
  public func bytes(_ column: Int32) -> UnsafeRawBufferPointer? {
    guard let value = value(column) else { return nil }
    let start = sqlite3_value_blob(value)
    return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(value)))
  }

  private func value(_ column: Int32) -> OpaquePointer? {
    var value: OpaquePointer?
    return sqlite3_preupdate_old(handle, column, &value) == SQLITE_OK ? value : nil
  }
}
