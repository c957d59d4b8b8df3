import Model
import PartitionCore
import Wire

/// Checkpoints of several partitions in one transaction and two round trips: the rows, and then the headers with the
/// totals that follow from the rows that were there before.
final class CheckpointTransaction {
  /// What the server did.
  struct Outcome {
    /// The places of checkpoints whose rows were not where their owners believed: nothing of them was written.
    var fenced: Set<Int> = []
    var rowsWritten = 0
    var rowsDeleted = 0
    var rowsExpired = 0
    var bytesWritten = 0
    fileprivate var isCommitted = false
  }

  private enum Role {
    case begin
    case part(CheckpointStatements.Role, place: Int)
  }

  private let name: String
  private let attempts: [Writer.Attempt]
  private let options: PostgresOptions
  private var sent: [CheckpointStatements] = []
  private var tallies: [CheckpointTally]
  private(set) var outcome = Outcome()

  /// - Parameter name: the server's and database's name.
  init(_ name: String, _ attempts: [Writer.Attempt], _ options: PostgresOptions) {
    self.name = name
    self.attempts = attempts
    self.options = options
    tallies = attempts.map { CheckpointTally($0.request.partition, name) }
  }

  /// - Returns: why nothing was written; nil if it was.
  /// - Throws: `lost`: the outcome is unknown.
  func perform(on connection: Connection) throws(PostgresFailure) -> PostgresFailure? {
    do throws(PostgresFailure) {
      try writeRows(on: connection)
      try writeHeaders(on: connection)
    } catch {
      if case .lost = error { throw error }
      try connection.perform { connection throws(PostgresFailure) in try connection.send(.rollback) }
      return error
    }
    return outcome.isCommitted ? nil : .refused(state: "25000", message: "the transaction was rolled back")
  }

  // MARK: The rows

  private func writeRows(on connection: Connection) throws(PostgresFailure) {
    var roles: [Role] = []
    var complaint: PostgresFailure?
    try connection.perform(
      send: { connection throws(PostgresFailure) in complaint = try send(on: connection, &roles) },
      each: { statement, rows in
        guard roles.indices.contains(statement) else { return }
        note(roles[statement], rows)
      })
    if let complaint { throw complaint }
  }

  /// - Returns: why it must be rolled back; nil if it need not be.
  private func send(on connection: Connection, _ roles: inout [Role]) throws(PostgresFailure) -> PostgresFailure? {
    try connection.send(.begin)
    roles.append(.begin)
    for (place, attempt) in attempts.enumerated() {
      var statements = CheckpointStatements(
        attempt.batch, epoch: attempt.expected.epoch, reached: attempt.expected.turn, turn: attempt.turn,
        attempt.unsentChange, options)
      do throws(PostgresFailure) {
        try statements.send(on: connection) { roles.append(.part($0, place: place)) }
      } catch {
        if case .lost = error { throw error }
        return error
      }
      sent.append(statements)
    }
    return nil
  }

  private func note(_ role: Role, _ rows: borrowing Rows) {
    switch role {
    case .begin, .part(.unsent, _): break
    case .part(.fence, let place):
      if rows.count == 1 { tallies[place].noteHeader(rows) } else { outcome.fenced.insert(place) }
    case .part(.upsert, let place): tallies[place].replaced.insert(rows)
    case .part(.delete, let place):
      tallies[place].replaced.insert(rows)
      outcome.rowsDeleted += rows.count
    case .part(.deleteExpired, let place):
      tallies[place].replaced.insert(rows)
      outcome.rowsExpired += rows.count
    }
  }

  // MARK: The headers

  private func writeHeaders(on connection: Connection) throws(PostgresFailure) {
    let written = attempts.indices.filter { !outcome.fenced.contains($0) }
    var totals: [StoreTotals] = []
    for place in written {
      let rows = sent[place].written
      totals.append(try tallies[place].totals(adding: rows, rowsMax: options.batchRowsMax, on: connection))
    }
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        for (place, totals) in zip(written, totals) { try sent[place].sendHeader(totals, on: connection) }
        try connection.send(.commit)
      },
      each: { statement, rows in
        if statement == written.count { outcome.isCommitted = rows.tag == "COMMIT" }
      })
    for place in written {
      outcome.rowsWritten += sent[place].rowCount
      outcome.bytesWritten += sent[place].bodyBytes
    }
  }
}
