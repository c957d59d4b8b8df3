import Model
import PartitionCore
import Ports
import Synchronization
import Lanes

/// A request to a writer.
struct WriteRequest: Sendable {
  enum Work: Sendable {
    case acquire(above: UInt64, @Sendable (Result<Ownership, StoreFailure>) -> Void)
    case write(CheckpointBatch, epoch: UInt64, @Sendable (Result<Void, StoreFailure>) -> Void)
  }

  let partition: PartitionID
  let work: Work
  /// When its owner must learn that the server is unreachable, in milliseconds of `MonotonicClock`.
  let deadline: Int64
  /// Connections lost while it was under way.
  var losses = 0

  func fail(_ failure: StoreFailure) {
    switch work {
    case .acquire(_, let completion): completion(.failure(failure))
    case .write(_, _, let completion): completion(.failure(failure))
    }
  }

  var rowCount: Int {
    guard case .write(let batch, _, _) = work else { return 0 }
    return batch.changes.count + batch.outbox.count + batch.replies.count
  }
}

struct LoadRequest: Sendable {
  let keys: [EntityKey]
  let partition: PartitionID
  let epoch: UInt64
  let completion: @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  let deadline: Int64
  var losses = 0
}

/// What a store's threads share.
final class StoreShared: Sendable {
  struct State: Sendable {
    /// The waiting requests of each writer.
    var writes: [[WriteRequest]]
    var loads: [LoadRequest] = []
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
      counters.queuedLoads = state.loads.count
      return counters
    }
  }
}
