import CPostgres

/// A statement's answer. A value that is missing, null or of an unexpected size is returned as nil.
struct Rows: ~Copyable {
  private let result: OpaquePointer

  /// Takes ownership of the result.
  init(_ result: OpaquePointer) { self.result = result }

  deinit { PQclear(result) }

  var status: ExecStatusType { PQresultStatus(result) }
  var count: Int { Int(PQntuples(result)) }

  /// What was done: `COMMIT`, `UPDATE 1`, …
  var tag: String {
    guard let tag = PQcmdStatus(result) else { return "" }
    return String(cString: tag)
  }

  /// How many rows the statement inserted, updated or deleted.
  var changed: Int {
    guard let count = PQcmdTuples(result) else { return 0 }
    return Int(String(cString: count)) ?? 0
  }

  /// The server's refusal.
  func refusal(_ secrets: [String]) -> PostgresFailure {
    let text =
      kassa_primary_message(result).map { String(cString: $0) }
      ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? "refused without a reason"
    let state = kassa_sqlstate(result).map { String(cString: $0) } ?? "?????"
    return .refused(state: state, message: ConnectionString.redacted(text, secrets))
  }

  func isNull(_ row: Int, _ column: Int) -> Bool {
    guard contains(row, column) else { return true }
    return PQgetisnull(result, Int32(row), Int32(column)) != 0
  }

  func bigint(_ row: Int, _ column: Int) -> Int64? {
    guard let bytes = bytes(row, column), bytes.count == 8 else { return nil }
    return bytes.reduce(0) { $0 << 8 | Int64($1) }
  }

  func smallint(_ row: Int, _ column: Int) -> Int16? {
    guard let bytes = bytes(row, column), bytes.count == 2 else { return nil }
    return bytes.reduce(0) { $0 << 8 | Int16($1) }
  }

  func text(_ row: Int, _ column: Int) -> String? {
    guard let bytes = bytes(row, column) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Valid as long as the rows exist.
  func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
    guard !isNull(row, column), let start = PQgetvalue(result, Int32(row), Int32(column)) else { return nil }
    return UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, Int32(row), Int32(column))))
  }

  private func contains(_ row: Int, _ column: Int) -> Bool {
    (0..<count).contains(row) && (0..<Int(PQnfields(result))).contains(column)
  }
}
