import Clocks
import Model
import PartitionCore
import Ports
import Synchronization

/// Writes the checkpoints of its share of the partitions, and raises their epochs. Owned by one thread.
///
/// A transaction holds the checkpoints of all waiting partitions, up to a bound. If the server refuses one, each is
/// tried alone, so that it fails alone. If the connection is lost, a checkpoint's outcome is unknown: it is *lost*
/// until the next connection has settled it (`Turns`), and only then reported, or tried again.
final class Writer: StoreWorker {
  private let shared: StoreShared
  private let place: Int
  private var turns = Turns()
  /// The unacknowledged messages and replies in the rows of the partitions this writer acquired, by their index.
  private var unsent: [UInt16: UnsentRows] = [:]
  /// Tried alone, before anything else that waits.
  private var singles: [WriteRequest] = []
  private var lost: [Attempt] = []
  /// Until when the server's clock need not be compared again, in milliseconds of `MonotonicClock`.
  private var clockHoldsUntil = Int64.min

  /// A checkpoint under way.
  struct Attempt {
    let request: WriteRequest
    let batch: CheckpointBatch
    let epoch: UInt64
    /// The row's known standing.
    let expected: Standing
    let turn: Int64
    /// Its changes to the unacknowledged messages and replies, and the result.
    let unsentChange: UnsentRows.Change
    let unsent: UnsentRows
    let completion: @Sendable (Result<Void, StoreFailure>) -> Void
  }

  init(_ shared: StoreShared, place: Int) {
    self.shared = shared
    self.place = place
  }

  var hasWork: Bool {
    !singles.isEmpty || !lost.isEmpty || shared.state.withLock { !$0.writes[place].isEmpty }
  }

  func work(on connection: Connection) throws(PostgresFailure) -> Bool {
    if !lost.isEmpty {
      try settle(on: connection)
      return true
    }
    let group = takeGroup()
    guard let first = group.first else { return false }
    if case .acquire(let floor, let completion) = first.work {
      try acquire(first, above: floor, completion, on: connection)
    } else {
      try write(group, on: connection)
    }
    return true
  }

  /// A run of checkpoints of different partitions, or one acquisition.
  private func takeGroup() -> [WriteRequest] {
    if !singles.isEmpty { return [singles.removeFirst()] }
    return shared.state.withLock { state in
      var partitions: Set<UInt16> = []
      var rows = 0
      var count = 0
      for request in state.writes[place] {
        if case .acquire = request.work {
          if count == 0 { count = 1 }
          break
        }
        guard rows < shared.options.transactionRowsMax, partitions.insert(request.partition.index).inserted else {
          break
        }
        rows += request.rowCount
        count += 1
      }
      let group = Array(state.writes[place].prefix(count))
      state.writes[place].removeFirst(count)
      return group
    }
  }

  // MARK: Acquiring

  private func acquire(
    _ request: WriteRequest, above floor: UInt64, _ completion: @Sendable (Result<Ownership, StoreFailure>) -> Void,
    on connection: Connection
  ) throws(PostgresFailure) {
    let result: Result<Acquisition.Found, StoreFailure>
    do throws(PostgresFailure) {
      if let failure = try clockFailure(on: connection) {
        result = .failure(failure)
      } else {
        result = try Acquisition(
          shared.name, request.partition, of: shared.identity.partitionCount, above: floor, shared.options
        ).perform(on: connection)
      }
    } catch {
      guard case .lost = error else { return completion(.failure(error.storeFailure(.write, at: shared.name))) }
      // Raising the epoch again does no harm.
      singles.insert(request, at: 0)
      throw error
    }
    if case .success(let (ownership, rows)) = result {
      unsent[request.partition.index] = rows
      turns.acquired(request.partition.index, epoch: ownership.epoch, offset: ownership.recovery.header?.offset)
      noteStanding(of: request.partition)
      shared.count { $0.acquisitions += 1 }
    } else if case .failure(let failure) = result, failure.code == .format {
      shared.count { $0.damagedRows += 1 }
    }
    completion(result.map { $0.ownership })
  }

  /// Why this process's clock prevents acquiring; nil if it does not. Checked before the epoch is raised, which would
  /// end the predecessor's time.
  private func clockFailure(on connection: Connection) throws(PostgresFailure) -> StoreFailure? {
    guard let ask = shared.clock, MonotonicClock.milliseconds >= clockHoldsUntil else { return nil }
    let judge = ask()
    var time: Int64?
    try connection.perform(
      send: { connection throws(PostgresFailure) in try connection.send(.time) },
      each: { _, rows in time = rows.bigint(0, 0) })
    guard let time else { throw .lost("the server does not report its time") }
    if let reason = judge(time) { return StoreFailure(.clock, "\(shared.name): \(reason)") }
    clockHoldsUntil = MonotonicClock.milliseconds + Self.clockHoldsMilliseconds
    return nil
  }

  /// Many takeovers happen at a time.
  static let clockHoldsMilliseconds: Int64 = 1_000

  // MARK: Writing

  private func write(_ group: [WriteRequest], on connection: Connection) throws(PostgresFailure) {
    // In the same order everywhere, so that two processes never wait for each other's rows.
    let attempts = group.sorted { $0.partition < $1.partition }.compactMap(attempt)
    if attempts.isEmpty { return }
    let start = MonotonicClock.microseconds
    let transaction = CheckpointTransaction(shared.name, attempts, shared.options)
    let failure: PostgresFailure?
    do throws(PostgresFailure) {
      failure = try transaction.perform(on: connection)
    } catch {
      lost = attempts
      shared.count { $0.unknownCommits += attempts.count }
      throw error
    }
    if let failure {
      try refused(attempts, failure, on: connection)
    } else {
      committed(attempts, transaction, microseconds: Int(MonotonicClock.microseconds - start))
      let fenced = transaction.outcome.fenced.sorted().map { attempts[$0] }
      if !fenced.isEmpty { try explain(fenced, on: connection) }
    }
  }

  private func attempt(_ request: WriteRequest) -> Attempt? {
    guard case .write(let batch, let epoch, let completion) = request.work else { return nil }
    guard let turn = turns.next(request.partition.index, epoch: epoch) else {
      reportFenced(request.partition, epoch, completion)
      return nil
    }
    // The epoch came from the database, whose numbers are signed.
    let unknown = Standing(epoch: Int64(clamping: epoch), turn: turn.reached, offset: nil)
    let expected = turns.standing(of: request.partition.index) ?? unknown
    var rows = unsent[request.partition.index] ?? UnsentRows()
    let change = rows.replace(with: batch.outbox, batch.replies)
    return Attempt(
      request: request, batch: batch, epoch: epoch, expected: expected, turn: turn.next, unsentChange: change,
      unsent: rows, completion: completion)
  }

  private func committed(_ attempts: [Attempt], _ transaction: CheckpointTransaction, microseconds: Int) {
    let done = transaction.outcome
    shared.count { counters in
      counters.transactions += 1
      counters.checkpoints += attempts.count - done.fenced.count
      counters.rowsWritten += done.rowsWritten
      counters.rowsDeleted += done.rowsDeleted
      counters.rowsExpired += done.rowsExpired
      counters.bytesWritten += done.bytesWritten
      counters.writeMicroseconds += microseconds
    }
    for (place, attempt) in attempts.enumerated() where !done.fenced.contains(place) {
      written(attempt)
    }
  }

  private func written(_ attempt: Attempt) {
    // Acquiring waits until a lost checkpoint is settled, so these are still the partition's.
    unsent[attempt.request.partition.index] = attempt.unsent
    turns.reached(
      attempt.turn, attempt.request.partition.index, epoch: attempt.epoch, offset: attempt.batch.header.offset)
    noteStanding(of: attempt.request.partition)
    attempt.completion(.success(()))
  }

  /// From now on loads require at least that.
  private func noteStanding(of partition: PartitionID) {
    let standing = turns.standing(of: partition.index)
    shared.state.withLock { $0.standings[partition.index] = standing }
  }

  /// Finds why checkpoints were not written: the partition has a newer owner, or the database was set back.
  private func explain(_ fenced: [Attempt], on connection: Connection) throws(PostgresFailure) {
    var found: [Standing?] = fenced.map { _ in nil }
    let refusals: [PostgresFailure?]
    do throws(PostgresFailure) {
      refusals = try connection.perform(
        groups: fenced.count,
        send: { place, connection throws(PostgresFailure) in
          try connection.send(.standing, of: fenced[place].request.partition)
        }, each: { place, _, rows in found[place] = Standing(rows) })
    } catch {
      // Whatever the reason, the owner's time is over.
      for attempt in fenced { reportFenced(attempt.request.partition, attempt.epoch, attempt.completion) }
      throw error
    }
    for (place, attempt) in fenced.enumerated() {
      if refusals[place] == nil, attempt.expected.verdict(on: found[place]) == .setBack {
        reportSetBack(attempt, to: found[place])
      } else {
        reportFenced(attempt.request.partition, attempt.epoch, attempt.completion)
      }
    }
  }

  private func reportSetBack(_ attempt: Attempt, to found: Standing?) {
    shared.count { $0.setBack += 1 }
    attempt.completion(.failure(attempt.expected.setBack(to: found, attempt.request.partition, in: shared.name)))
  }

  private func refused(
    _ attempts: [Attempt], _ failure: PostgresFailure, on connection: Connection
  ) throws(PostgresFailure) {
    if attempts.count > 1 {
      singles = attempts.map(\.request) + singles
    } else {
      for attempt in attempts {
        shared.count { $0.writeFailures += 1 }
        attempt.completion(.failure(failure.storeFailure(.write, at: shared.name)))
      }
    }
    if failure.endsConnection { throw .lost(failure.message) }
  }

  private func reportFenced(
    _ partition: PartitionID, _ epoch: UInt64, _ completion: (Result<Void, StoreFailure>) -> Void
  ) {
    shared.count { $0.fencedWrites += 1 }
    let message = "\(shared.name): \(partition) was acquired by another owner since epoch \(epoch)"
    completion(.failure(StoreFailure(.fenced, message)))
  }

  // MARK: What was lost with a connection

  private func settle(on connection: Connection) throws(PostgresFailure) {
    let settlement = try Settlement(lost, &turns).perform(on: connection)
    let attempts = lost
    lost = []
    var again: [WriteRequest] = []
    for (attempt, found) in zip(attempts, settlement) {
      let partition = attempt.request.partition
      switch found {
      case .written:
        shared.count {
          $0.unknownCommitsWritten += 1
          $0.checkpoints += 1
        }
        written(attempt)
      case .notWritten(let turn):
        turns.reached(turn, partition.index, epoch: attempt.epoch)
        noteStanding(of: partition)
        var request = attempt.request
        request.losses += 1
        if request.losses < shared.options.attemptsMax {
          again.append(request)
        } else {
          shared.count { $0.writeFailures += 1 }
          let message = "\(shared.name): the connection was lost \(request.losses) times while it was written"
          attempt.completion(.failure(StoreFailure(.write, message)))
        }
      case .fenced:
        reportFenced(partition, attempt.epoch, attempt.completion)
      case .setBack(let found):
        reportSetBack(attempt, to: found)
      case .refused(let failure):
        lost.append(attempt)
        if failure.endsConnection { throw .lost(failure.message) }
      }
    }
    singles = again + singles
    // Queried again on another connection, after the usual wait.
    if !lost.isEmpty { throw .lost("the server does not report a checkpoint's outcome") }
  }

  // MARK: The server is away

  func unreachable(_ failure: PostgresFailure, isFinal: Bool) {
    let now = MonotonicClock.milliseconds
    let isClosing = shared.isClosing
    func isDue(_ request: WriteRequest) -> Bool {
      if isFinal || failure.isPermanent || request.deadline <= now { return true }
      if case .acquire = request.work { return isClosing }
      return false
    }
    let waiting = shared.state.withLock { state in
      defer { state.writes[place].removeAll(where: isDue) }
      return state.writes[place].filter(isDue)
    }
    let due = singles.filter(isDue) + waiting
    singles.removeAll(where: isDue)
    let reason = isFinal ? shared.closed : failure.storeFailure(.write, at: shared.name)
    for request in due {
      if case .write = request.work { shared.count { $0.writeFailures += 1 } }
      request.fail(reason)
    }
    guard isFinal else { return }
    for attempt in lost {
      let message = "\(shared.name): closed before it was known whether the checkpoint was written: \(failure.message)"
      attempt.completion(.failure(StoreFailure(.write, message)))
    }
    lost = []
  }
}
