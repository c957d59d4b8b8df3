import CPostgres
import Clocks
import Glibc
import Model

/// A connection in pipeline mode. Owned by one thread, which waits for the server only in `poll`.
///
/// After a `lost` failure it is useless: its owner makes another one.
final class Connection {
  private let handle: OpaquePointer
  private let secrets: [String]
  private let silenceMillisecondsMax: Int
  /// Statements sent since the last sync, and their approximate bytes.
  private var unsynced = 0
  private var unsyncedBytes = 0
  /// The syncs within the group being sent: the number of statements before each.
  private var stepLengths: [Int] = []
  /// What fits into libpq's buffer is sent together.
  private static let unsyncedBytesMax = 8_192
  private static let statementBytes = 128
  /// Bytes of values that may not have left libpq's buffer.
  private var unflushedBytes = 0
  /// This many are collected, so that small statements share a system call.
  private static let unflushedBytesMax = 65_536

  /// Connects. Blocks up to `connect_timeout` for each address of the server.
  init(_ target: ConnectionString, _ options: PostgresOptions) throws(PostgresFailure) {
    let parameters = target.parameters(options)
    guard let handle = Self.connect(parameters) else { throw .lost("no memory for a connection") }
    self.handle = handle
    // A password from the password file is only known here.
    secrets = target.secrets + [PQpass(handle).map { String(cString: $0) } ?? ""]
    silenceMillisecondsMax = options.silenceMillisecondsMax
    // Notices from the server are dropped.
    _ = PQsetNoticeProcessor(handle, { _, _ in }, nil)
    guard PQstatus(handle) == CONNECTION_OK else { throw lost() }
    guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { throw lost() }
  }

  deinit { PQfinish(handle) }

  private static func connect(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
    var keywords: [UnsafePointer<CChar>?] = []
    var values: [UnsafePointer<CChar>?] = []
    var copies: [UnsafeMutablePointer<CChar>?] = []
    defer { for copy in copies { free(copy) } }
    for (keyword, value) in parameters {
      let (name, text) = (strdup(keyword), strdup(value))
      copies += [name, text]
      keywords.append(UnsafePointer(name))
      values.append(UnsafePointer(text))
    }
    return PQconnectdbParams(keywords + [nil], values + [nil], 0)
  }

  /// libpq's message about the connection, without secrets.
  private func lost() -> PostgresFailure {
    let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    return .lost(text.isEmpty ? "the connection was lost" : ConnectionString.redacted(text, secrets))
  }

  // MARK: Statements

  /// Performs groups of statements in one round trip.
  ///
  /// A statement that the server refuses ends its group: the rest of it is not executed. The other groups are.
  /// - Parameters:
  ///   - send: sends the statements of a group, given its index.
  ///   - each: gets a statement's answer, with the indices of group and statement.
  /// - Returns: for each group why it was refused; nil if it was not.
  /// - Throws: `lost`.
  func perform(
    groups: Int, send: (Int, Connection) throws(PostgresFailure) -> Void,
    each: (Int, Int, borrowing Rows) -> Void
  ) throws(PostgresFailure) -> [PostgresFailure?] {
    var groupLengths: [[Int]] = []
    for group in 0..<groups {
      (unsynced, unsyncedBytes, stepLengths) = (0, 0, [])
      try send(group, self)
      try sync()
      groupLengths.append(stepLengths)
    }
    try flush()
    var failures: [PostgresFailure?] = []
    for (group, lengths) in groupLengths.enumerated() {
      var failure: PostgresFailure?
      var statement = 0
      for length in lengths {
        for _ in 0..<length {
          let rows = try nextResult()
          switch rows.status {
          case PGRES_COMMAND_OK, PGRES_TUPLES_OK: each(group, statement, rows)
          case PGRES_PIPELINE_ABORTED: break
          default: failure = failure ?? rows.refusal(secrets)
          }
          try expectEnd()
          statement += 1
        }
        guard try nextResult().status == PGRES_PIPELINE_SYNC else {
          throw .lost("the server's answers do not match the requests")
        }
      }
      failures.append(failure)
    }
    return failures
  }

  private func sync() throws(PostgresFailure) {
    guard PQpipelineSync(handle) == 1 else { throw lost() }
    stepLengths.append(unsynced)
    (unsynced, unsyncedBytes) = (0, 0)
  }

  /// Performs one group, which the server must accept.
  func perform(
    send: (Connection) throws(PostgresFailure) -> Void, each: (Int, borrowing Rows) -> Void = { _, _ in }
  ) throws(PostgresFailure) {
    let failures = try perform(
      groups: 1, send: { _, connection throws(PostgresFailure) in try send(connection) },
      each: { _, statement, rows in each(statement, rows) })
    if let failure = failures.first ?? nil { throw failure }
  }

  /// Prepares a statement, within `send`.
  func prepare(_ statement: Statement) throws(PostgresFailure) {
    try sent(PQsendPrepare(handle, statement.rawValue, statement.text, 0, nil), bytes: 0)
  }

  /// Sends a prepared statement, within `send`.
  func send(_ statement: Statement, _ parameters: Parameters = Parameters()) throws(PostgresFailure) {
    try send(parameters) { count, values, lengths, formats in
      PQsendQueryPrepared(handle, statement.rawValue, count, values, lengths, formats, 1)
    }
  }

  /// Sends a statement of a transaction begun in the same group.
  ///
  /// The server limits the time between statements (`idle_in_transaction_session_timeout`) only from a sync on. So a
  /// sync precedes whatever is not sent together with the statements before it: a client that is stopped in between
  /// does not keep the transaction and its locks for as long as it is stopped. If a statement is refused, those after
  /// the next sync are refused as well, because the transaction has failed; if it was not even begun, they must have no
  /// effect by themselves.
  func send(inTransaction statement: Statement, _ parameters: Parameters) throws(PostgresFailure) {
    let bytes = parameters.bytes.count + Self.statementBytes
    if unsynced > 0, unsyncedBytes + bytes > Self.unsyncedBytesMax { try sync() }
    try send(statement, parameters)
  }

  /// Sends a statement whose only parameter is a partition, within `send`.
  func send(_ statement: Statement, of partition: PartitionID) throws(PostgresFailure) {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    try send(statement, parameters)
  }

  /// Sends a statement's text, within `send`.
  func send(text: String, _ parameters: Parameters = Parameters()) throws(PostgresFailure) {
    try send(parameters) { count, values, lengths, formats in
      PQsendQueryParams(handle, text, count, nil, values, lengths, formats, 1)
    }
  }

  private func send(
    _ parameters: Parameters,
    _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Int32
  ) throws(PostgresFailure) {
    let code = parameters.bytes.withUnsafeBytes { bytes in
      let values = parameters.ranges.map { range in
        bytes.baseAddress.map { UnsafePointer($0.advanced(by: range.lowerBound).assumingMemoryBound(to: CChar.self)) }
      }
      return body(
        Int32(clamping: values.count), values, parameters.ranges.map { Int32(clamping: $0.count) },
        [Int32](repeating: 1, count: values.count))
    }
    try sent(code, bytes: parameters.bytes.count)
  }

  private func sent(_ code: Int32, bytes: Int) throws(PostgresFailure) {
    guard code == 1 else { throw lost() }
    unsynced += 1
    unsyncedBytes += bytes + Self.statementBytes
    unflushedBytes += bytes
    if unflushedBytes >= Self.unflushedBytesMax { try flush() }
  }

  // MARK: Waiting

  /// Whether an idle connection is still open.
  func isAlive() -> Bool {
    guard PQconsumeInput(handle) == 1, PQstatus(handle) == CONNECTION_OK else { return false }
    return true
  }

  private func nextResult() throws(PostgresFailure) -> Rows {
    while PQisBusy(handle) == 1 {
      _ = try wait(for: Int16(POLLIN))
      guard PQconsumeInput(handle) == 1 else { throw lost() }
    }
    guard let result = PQgetResult(handle) else { throw lost() }
    return Rows(result)
  }

  /// A statement has one result and nothing after it.
  private func expectEnd() throws(PostgresFailure) {
    while PQisBusy(handle) == 1 {
      _ = try wait(for: Int16(POLLIN))
      guard PQconsumeInput(handle) == 1 else { throw lost() }
    }
    guard let result = PQgetResult(handle) else { return }
    PQclear(result)
    throw PQstatus(handle) == CONNECTION_OK ? .lost("the server's answers do not match the requests") : lost()
  }

  /// Sends what is buffered, and reads what arrives in the meantime: a server that cannot send stops reading.
  private func flush() throws(PostgresFailure) {
    while true {
      let code = PQflush(handle)
      if code == 0 {
        unflushedBytes = 0
        return
      }
      guard code == 1 else { throw lost() }
      let events = try wait(for: Int16(POLLIN | POLLOUT))
      if events & Int16(POLLIN) != 0, PQconsumeInput(handle) != 1 { throw lost() }
    }
  }

  private func wait(for events: Int16) throws(PostgresFailure) -> Int16 {
    let deadline = MonotonicClock.milliseconds + Int64(silenceMillisecondsMax)
    while true {
      var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
      guard descriptor.fd >= 0 else { throw lost() }
      let rest = deadline - MonotonicClock.milliseconds
      guard rest > 0 else { throw .lost("the server was silent for \(silenceMillisecondsMax) ms") }
      let code = poll(&descriptor, 1, Int32(clamping: rest))
      if code > 0 { return descriptor.revents }
      if code < 0 && errno != EINTR { throw .lost("poll: \(String(cString: strerror(errno)))") }
    }
  }
}
