import Model
import PartitionCore
import Ports
import Synchronization
import Lanes

/// What a store's threads share.
final class StoreShared: Sendable {
  struct State: Sendable {
    /// The waiting requests of each writer.
    var writes: [[WriteRequest]]
    var loads: [LoadRequest] = []
    /// Pages of orders: they wait until there are no loads.
    var pages: [LoadRequest] = []
    /// The known standings of the partitions acquired here, by their index.
    var standings: [UInt16: Standing] = [:]
    var isClosing = false
    var counters = PostgresCounters()
    var connectedWriters = 0
    var connectedReaders = 0
    var failure: String?
  }

  let target: ConnectionString
  let service: Service
  let identity: PostgresIdentity
  let options: PostgresOptions
  let name: String
  let clock: PostgresStore.ClockQuestion?
  let writerSignals: [Signal]
  let readerSignals: [Signal]
  let state: Mutex<State>

  init(
    _ target: ConnectionString, _ service: Service, _ identity: PostgresIdentity, _ options: PostgresOptions,
    _ clock: PostgresStore.ClockQuestion?
  ) {
    self.target = target
    self.service = service
    self.identity = identity
    self.options = options
    name = target.name
    self.clock = clock
    writerSignals = (0..<options.writerCount).map { _ in Signal() }
    readerSignals = (0..<options.readerCount).map { _ in Signal() }
    state = Mutex(State(writes: Array(repeating: [], count: options.writerCount)))
  }

  func count(_ change: (inout PostgresCounters) -> Void) { state.withLock { change(&$0.counters) } }

  var isClosing: Bool { state.withLock(\.isClosing) }

  var closed: StoreFailure { StoreFailure(.closed, "\(name): the store is closed") }

  /// The newest counts.
  var counters: PostgresCounters {
    state.withLock { state in
      var counters = state.counters
      counters.connectionsOpen = state.connectedWriters + state.connectedReaders
      counters.queuedWrites = state.writes.reduce(0) { $0 + $1.count }
      counters.queuedLoads = state.loads.count + state.pages.count
      return counters
    }
  }
}
