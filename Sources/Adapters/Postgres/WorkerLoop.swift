import Clocks
import Synchronization
import Lanes

/// What a store thread does with its connection.
protocol StoreWorker: AnyObject {
  /// Does part of the waiting work; returns whether there was any.
  /// - Throws: `lost`: the loop makes another connection. The worker must remember what was under way.
  func work(on connection: Connection) throws(PostgresFailure) -> Bool
  /// The server could not be reached. Fails the requests that have waited long enough, or all if `isFinal`.
  func unreachable(_ failure: PostgresFailure, isFinal: Bool)
  var hasWork: Bool { get }
}

/// A store thread: it maintains one connection forever, and works while it has one.
///
/// ```
/// connecting ──ok──► working ──nothing to do──► idle (looks at the connection every second)
///     ▲ └─failed─► backing off ─┐  └─lost─┐                └─lost─┐
///     └──────────────────────────┴─────────┴──────────────────────┘
/// ```
/// It ends when the store is closing and nothing waits, or nothing can be done for what waits.
struct WorkerLoop {
  let shared: StoreShared
  let signal: Signal
  let worker: any StoreWorker
  let isWriter: Bool

  /// How often an idle connection is checked.
  static let idleCheckMilliseconds = 1_000

  func run() {
    var connection: Connection?
    var failures = 0
    while true {
      if shared.isClosing, !worker.hasWork { break }
      do throws(PostgresFailure) {
        guard let open = connection else {
          connection = try connect()
          continue
        }
        if try worker.work(on: open) {
          failures = 0
        } else if !shared.isClosing, !signal.wait(milliseconds: Self.idleCheckMilliseconds), !open.isAlive() {
          throw .lost("the server closed the connection")
        }
      } catch {
        let wasConnected = connection != nil
        connection = nil
        note(error, wasConnected: wasConnected)
        // While closing, the worker gets one more connection to settle what was lost with this one.
        worker.unreachable(error, isFinal: shared.isClosing && !wasConnected)
        failures += 1
        wait(after: failures)
      }
    }
    if connection != nil { note(nil, wasConnected: true) }
  }

  private func connect() throws(PostgresFailure) -> Connection {
    let connection = try Session.open(shared.target, shared.service, shared.identity, shared.options)
    shared.state.withLock { state in
      state.counters.connects += 1
      state.connectedWriters += isWriter ? 1 : 0
      state.connectedReaders += isWriter ? 0 : 1
      state.failure = nil
    }
    return connection
  }

  private func note(_ failure: PostgresFailure?, wasConnected: Bool) {
    shared.state.withLock { state in
      if let failure { state.failure = failure.message }
      if wasConnected {
        state.counters.disconnects += failure == nil ? 0 : 1
        state.connectedWriters -= isWriter ? 1 : 0
        state.connectedReaders -= isWriter ? 0 : 1
      } else {
        state.counters.connectFailures += 1
      }
    }
  }

  /// Requests that arrive in the meantime must not shorten the wait.
  private func wait(after failures: Int) {
    var generator = SystemRandomNumberGenerator()
    let end = MonotonicClock.milliseconds + shared.options.backoff.wait(after: failures, using: &generator)
    while !shared.isClosing {
      let rest = end - MonotonicClock.milliseconds
      if rest <= 0 { return }
      _ = signal.wait(milliseconds: Int(rest))
    }
  }
}
