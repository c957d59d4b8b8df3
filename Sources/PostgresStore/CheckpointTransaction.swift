import Model
import PartitionCore

/// Checkpoints of several partitions in one transaction and one round trip.
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
    case begin, end
    case part(CheckpointStatements.Role, place: Int)
  }

  private let attempts: [Writer.Attempt]
  private let options: PostgresOptions
  private(set) var outcome = Outcome()

  init(_ attempts: [Writer.Attempt], _ options: PostgresOptions) {
    self.attempts = attempts
    self.options = options
  }

  /// - Returns: why nothing was written; nil if it was.
  /// - Throws: `lost`: the outcome is unknown.
  func perform(on connection: Connection) throws(PostgresFailure) -> PostgresFailure? {
    var roles: [Role] = []
    var complaint: PostgresFailure?
    let refusals = try connection.perform(
      groups: 1,
      send: { _, connection throws(PostgresFailure) in complaint = try send(on: connection, &roles) },
      each: { _, statement, rows in
        guard roles.indices.contains(statement) else { return }
        note(roles[statement], rows)
      })
    if let refusal = refusals.first ?? nil {
      try connection.perform { connection throws(PostgresFailure) in try connection.send(.rollback) }
      return refusal
    }
    if let complaint { return complaint }
    return outcome.isCommitted ? nil : .refused(state: "25000", message: "the transaction was undone")
  }

  /// - Returns: why it was undone instead; nil if it was not.
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
        try connection.send(.rollback)
        roles.append(.end)
        return error
      }
      outcome.bytesWritten += statements.bodyBytes
    }
    try connection.send(.commit)
    roles.append(.end)
    return nil
  }

  private func note(_ role: Role, _ rows: borrowing Rows) {
    switch role {
    case .begin, .part(.unsent, _): break
    case .end: outcome.isCommitted = rows.tag == "COMMIT"
    case .part(.fence, let place): if rows.changed != 1 { outcome.fenced.insert(place) }
    case .part(.upsert, _): outcome.rowsWritten += rows.changed
    case .part(.delete, _): outcome.rowsDeleted += rows.changed
    case .part(.deleteExpired, _): outcome.rowsExpired += rows.changed
    }
  }
}
