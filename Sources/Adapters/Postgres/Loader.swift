import Clocks
import Model
import PartitionCore
import Ports
import Synchronization

/// Loads entities. Owned by one thread; all readers share the waiting loads.
///
/// A load is one statement: it sees the epoch and the rows of one moment.
final class Loader: StoreWorker {
  private let shared: StoreShared
  /// Loads whose connection was lost.
  private var again: [LoadRequest] = []

  init(_ shared: StoreShared) { self.shared = shared }

  var hasWork: Bool { !again.isEmpty || shared.state.withLock { !$0.loads.isEmpty } }

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
          try connection.send(.load, Self.parameters(group[place], expected[place]))
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

  private static func parameters(_ request: LoadRequest, _ expected: Standing) -> Parameters {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: request.partition.index))
    parameters.add(expected.epoch)
    parameters.add(keys: request.keys)
    parameters.add(expected.turn)
    return parameters
  }

  private func result(
    of request: LoadRequest, _ expected: Standing, _ rows: borrowing Rows
  ) -> Result<[EntityChange], StoreFailure> {
    let found = Standing(rows)
    switch expected.verdict(on: found) {
    case .whole: return EntityRows(shared.name, request.partition).placed(rows, request.keys, placeColumn: 3)
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
    request.completion(result)
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
      defer { state.loads.removeAll(where: isDue) }
      return state.loads.filter(isDue)
    }
    let due = again.filter(isDue) + waiting
    again.removeAll(where: isDue)
    let reason = isFinal ? shared.closed : failure.storeFailure(.read, at: shared.name)
    for request in due { answer(request, .failure(reason)) }
  }
}
