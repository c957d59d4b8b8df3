import Model

/// Finds the outcome of checkpoints whose commit got no answer, and makes it final (`Turns`).
struct Settlement {
  enum Found {
    case written
    /// It was not written and never can be; the row is at this turn.
    case notWritten(turn: Int64)
    /// The partition has a newer owner.
    case fenced
    /// Something acknowledged before it is missing.
    case setBack(to: Standing?)
    case refused(PostgresFailure)
  }

  private let attempts: [Writer.Attempt]
  private let blocking: [Int64]

  init(_ attempts: [Writer.Attempt], _ turns: inout Turns) {
    self.attempts = attempts
    // A partition that this store has since acquired again is fenced by its epoch, whatever the turn.
    blocking = attempts.map { turns.next($0.request.partition.index, epoch: $0.epoch)?.next ?? .max }
  }

  /// - Throws: `lost`: they are queried again on the next connection, each with another turn.
  func perform(on connection: Connection) throws(PostgresFailure) -> [Found] {
    var turns: [Int64?] = attempts.map { _ in nil }
    var standings: [Standing?] = attempts.map { _ in nil }
    let refusals = try connection.perform(
      groups: attempts.count,
      send: { place, connection throws(PostgresFailure) in
        let attempt = attempts[place]
        var parameters = Parameters()
        parameters.add(Int16(truncatingIfNeeded: attempt.request.partition.index))
        parameters.add(attempt.expected.epoch)
        parameters.add(attempt.turn)
        parameters.add(blocking[place])
        parameters.add(attempt.expected.turn)
        try connection.send(.settle, parameters)
        try connection.send(.standing, of: attempt.request.partition)
      },
      each: { place, statement, rows in
        if statement == 0 { turns[place] = rows.bigint(0, 0) } else { standings[place] = Standing(rows) }
      })
    return attempts.indices.map { place in
      if let refusal = refusals[place] { return .refused(refusal) }
      guard let turn = turns[place] else {
        let found = standings[place]
        return attempts[place].expected.verdict(on: found) == .setBack ? .setBack(to: found) : .fenced
      }
      if turn == attempts[place].turn { return .written }
      return turn == blocking[place] ? .notWritten(turn: turn) : .fenced
    }
  }
}
