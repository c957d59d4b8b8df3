import CPostgres
import Glibc
import Model

/// A connection in pipeline mode. Owned by one thread, which waits for the server in `poll` and nowhere else.
///
/// After a failure of the kind `lost` it is of no use any more: whoever owns it makes another one.
final class Connection {
  private let handle: OpaquePointer
  private let secrets: [String]
  private let silenceMillisecondsMax: Int
  /// Statements sent since the last sync, and about how many bytes they have.
  private var unsynced = 0
  private var unsyncedBytes = 0
  /// The syncs within the group that is being sent: how many statements come before each.
  private var stepLengths: [Int] = []
  /// What fits into libpq's buffer travels together.
  private static let unsyncedBytesMax = 8_192
  private static let statementBytes = 128
  /// Bytes of values that may not have left libpq's buffer.
  private var unflushedBytes = 0
  /// So many are kept together, so that small statements share a system call.
  private static let unflushedBytesMax = 65_536

  /// Connects. Blocks up to `connect_timeout` for each address of the server.
  init(_ target: ConnectionString, _ options: PostgresOptions) throws(PostgresFailure) {
    let parameters = target.parameters(options)
    guard let handle = Self.connect(parameters) else { throw .lost("no memory for a connection") }
    self.handle = handle
    // The password file's password is known here only.
    secrets = target.secrets + [PQpass(handle).map { String(cString: $0) } ?? ""]
    silenceMillisecondsMax = options.silenceMillisecondsMax
    // A server that says something unasked says it to nobody.
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

  /// What libpq says of the connection, without secrets.
  private func lost() -> PostgresFailure {
    let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
    return .lost(text.isEmpty ? "the connection was lost" : ConnectionString.redacted(text, secrets))
  }

  // MARK: Statements

  /// Performs groups of statements in one round trip.
  ///
  /// A statement that the server refuses ends its group: what follows in it is not done. The other groups are.
  /// - Parameters:
  ///   - send: sends the statements of a group, told by its index.
  ///   - each: gets what a statement answered, told by the indices of group and statement.
  /// - Returns: for each group why it was refused, nil where it was not.
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
          throw .lost("the server's answers are out of step")
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

  /// Performs one group, which the server has to accept.
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

  /// Sends a statement that was prepared, within `send`.
  func send(_ statement: Statement, _ parameters: Parameters = Parameters()) throws(PostgresFailure) {
    try send(parameters) { count, values, lengths, formats in
      PQsendQueryPrepared(handle, statement.rawValue, count, values, lengths, formats, 1)
    }
  }

  /// Sends a statement of a transaction that was begun in the same group.
  ///
  /// The server looks at the time between statements (`idle_in_transaction_session_timeout`) only from a sync on. So
  /// what does not travel together with the statements before it comes after a sync: a client that is stopped in
  /// between does not keep the transaction, and its locks, for as long as it is stopped. When a statement is refused,
  /// those after the next sync are refused as well, because the transaction is; where it was not even begun, they must
  /// do nothing of themselves.
  func send(inTransaction statement: Statement, _ parameters: Parameters) throws(PostgresFailure) {
    let bytes = parameters.bytes.count + Self.statementBytes
    if unsynced > 0, unsyncedBytes + bytes > Self.unsyncedBytesMax { try sync() }
    try send(statement, parameters)
  }

  /// Sends a statement that asks for nothing but a partition, within `send`.
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

  /// Whether an idle connection is still there.
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

  /// Behind a statement's one result there is nothing else.
  private func expectEnd() throws(PostgresFailure) {
    while PQisBusy(handle) == 1 {
      _ = try wait(for: Int16(POLLIN))
      guard PQconsumeInput(handle) == 1 else { throw lost() }
    }
    guard let result = PQgetResult(handle) else { return }
    PQclear(result)
    throw PQstatus(handle) == CONNECTION_OK ? .lost("the server's answers are out of step") : lost()
  }

  /// Sends what is buffered, and takes in what comes meanwhile: a server that cannot send stops reading.
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
    let deadline = MonotonicTime.milliseconds + silenceMillisecondsMax
    while true {
      var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
      guard descriptor.fd >= 0 else { throw lost() }
      let rest = deadline - MonotonicTime.milliseconds
      guard rest > 0 else { throw .lost("the server was silent for \(silenceMillisecondsMax) ms") }
      let code = poll(&descriptor, 1, Int32(clamping: rest))
      if code > 0 { return descriptor.revents }
      if code < 0 && errno != EINTR { throw .lost("poll: \(String(cString: strerror(errno)))") }
    }
  }
}
