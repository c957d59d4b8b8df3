import Clocks
import Model
import PartitionCore
import Ports
import Synchronization
import Wire

/// Loads entities, and pages of orders while no loads wait. Owned by one thread; all readers share what waits.
///
/// A load is one statement: it sees the epoch and the rows of one moment.
final class Loader: StoreWorker {
  private let shared: StoreShared
  /// Loads whose connection was lost.
  private var again: [LoadRequest] = []

  init(_ shared: StoreShared) { self.shared = shared }

  var hasWork: Bool { !again.isEmpty || shared.state.withLock { !$0.loads.isEmpty || !$0.pages.isEmpty } }

  func work(on connection: Connection) throws(PostgresFailure) -> Bool {
    let group = takeGroup()
    if group.isEmpty { return false }
    var results: [Result<[EntityChange], StoreFailure>] = group.map { _ in .success([]) }
    let expected = expectedStandings(group)
    let refusals: [PostgresFailure?]
    do throws(PostgresFailure) {
      refusals = try connection.perform(
        groups: group.count,
        send: { place, connection throws(PostgresFailure) in
          try Self.send(group[place], expected[place], on: connection)
        }, each: { place, _, rows in results[place] = result(of: group[place], expected[place], rows) })
    } catch {
      remember(group)
      throw error
    }
    for (place, request) in group.enumerated() {
      let refusal = refusals[place].map { Result<[EntityChange], _>.failure($0.storeFailure(.read, at: shared.name)) }
      answer(request, refusal ?? results[place])
    }
    if let failure = refusals.lazy.compactMap({ $0 }).first(where: \.endsConnection) { throw .lost(failure.message) }
    return true
  }

  private func takeGroup() -> [LoadRequest] {
    if !again.isEmpty {
      defer { again = [] }
      return again
    }
    return shared.state.withLock { state in
      if state.loads.isEmpty, !state.pages.isEmpty { return [state.pages.removeFirst()] }
      let group = Array(state.loads.prefix(shared.options.pipelinedLoadsMax))
      state.loads.removeFirst(group.count)
      return group
    }
  }

  /// The loads must see what was acknowledged before they were sent.
  private func expectedStandings(_ group: [LoadRequest]) -> [Standing] {
    shared.state.withLock { state in
      group.map { request in
        let epoch = Int64(clamping: request.epoch)
        guard let known = state.standings[request.partition.index], known.epoch == epoch else {
          return Standing(epoch: epoch, turn: 0, offset: nil)
        }
        return known
      }
    }
  }

  private static func send(
    _ request: LoadRequest, _ expected: Standing, on connection: Connection
  ) throws(PostgresFailure) {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: request.partition.index))
    parameters.add(expected.epoch)
    let statement: Statement
    switch request.work {
    case .entities(let keys, _):
      parameters.add(keys: keys)
      statement = .load
    case .orders(let after, let limit, _):
      parameters.add(Int16(orderKind))
      parameters.add(after.map { EntityCodec.text(of: .order($0)) } ?? "")
      parameters.add(Int64(limit))
      statement = .orders
    }
    parameters.add(expected.turn)
    try connection.send(statement, parameters)
  }

  private static let orderKind = EntityCodec.kind(of: .order(OrderID(unchecked: "0")))

  private func result(
    of request: LoadRequest, _ expected: Standing, _ rows: borrowing Rows
  ) -> Result<[EntityChange], StoreFailure> {
    let found = Standing(rows)
    switch expected.verdict(on: found) {
    case .whole:
      let found = EntityRows(shared.name, request.partition)
      switch request.work {
      case .entities(let keys, _): return found.placed(rows, keys, placeColumn: 3)
      case .orders: return found.page(ofKind: Self.orderKind, rows, keyColumn: 3)
      }
    case .setBack: return .failure(expected.setBack(to: found, request.partition, in: shared.name))
    case .replaced:
      let newest = found.map { "\($0.epoch)" } ?? "none"
      let message = "\(shared.name): \(request.partition) has epoch \(newest), and \(request.epoch) was requested"
      return .failure(StoreFailure(.fenced, message))
    }
  }

  private func answer(_ request: LoadRequest, _ result: Result<[EntityChange], StoreFailure>) {
    shared.count { counters in
      switch result {
      case .success(let rows):
        guard case .entities = request.work else {
          counters.pages += 1
          return
        }
        counters.loads += 1
        counters.rowsLoaded += rows.count { $0.value != nil }
      case .failure(let failure):
        switch failure.code {
        case .fenced: counters.fencedLoads += 1
        case .setBack: counters.setBack += 1
        case .format: counters.damagedRows += 1
        default: counters.loadFailures += 1
        }
      }
    }
    request.complete(result)
  }

  private func remember(_ group: [LoadRequest]) {
    for var request in group {
      request.losses += 1
      if request.losses < shared.options.attemptsMax {
        again.append(request)
      } else {
        let message = "\(shared.name): the connection was lost \(request.losses) times while it was loaded"
        answer(request, .failure(StoreFailure(.read, message)))
      }
    }
  }

  func unreachable(_ failure: PostgresFailure, isFinal: Bool) {
    let now = MonotonicClock.milliseconds
    func isDue(_ request: LoadRequest) -> Bool { isFinal || failure.isPermanent || request.deadline <= now }
    let waiting = shared.state.withLock { state in
      defer {
        state.loads.removeAll(where: isDue)
        state.pages.removeAll(where: isDue)
      }
      return state.loads.filter(isDue) + state.pages.filter(isDue)
    }
    let due = again.filter(isDue) + waiting
    again.removeAll(where: isDue)
    let reason = isFinal ? shared.closed : failure.storeFailure(.read, at: shared.name)
    for request in due { answer(request, .failure(reason)) }
  }
}
