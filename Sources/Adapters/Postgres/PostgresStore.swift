import Clocks
import Model
import PartitionCore
import Ports
import Synchronization
import Lanes

/// The store of one service of a cluster: its own PostgreSQL database, shared by the service's pods.
///
/// *Writer* threads send checkpoints, all that wait in one transaction and two round trips; a partition belongs to one
/// writer, which keeps its order. *Reader* threads load, many loads in one round trip. Each thread has a connection and
/// reconnects forever. A request waits for an unreachable server, up to a bound, and then fails; a checkpoint whose
/// commit got no answer never fails before its outcome is known.
public final class PostgresStore: StateStore {
  private let shared: StoreShared
  private let threads = Mutex<[BackgroundThread]>([])

  /// Starts the store. It connects in the background: an unreachable server, or a database of another cluster, is not a
  /// failure here; `status` and the requests to the store report both.
  /// - Parameters:
  ///   - connection: in libpq's format: `key=value` pairs or a URI. What is missing comes from libpq's environment,
  ///     service file and password file.
  ///   - service: whose partitions it stores; requests for another service's are refused.
  ///   - clock: called before a partition is acquired; nil: the server's clock does not matter.
  /// - Throws: `StoreFailure` if libpq cannot parse the connection string, a bound is out of range, or a thread cannot
  ///   be started.
  public init(
    _ connection: String, service: Service, identity: PostgresIdentity, options: PostgresOptions = PostgresOptions(),
    clock: ClockQuestion? = nil
  ) throws(StoreFailure) {
    if let contradiction = options.contradiction { throw StoreFailure(.format, contradiction) }
    guard (1...Self.partitionsMax).contains(identity.partitionCount), !identity.cluster.isEmpty else {
      throw StoreFailure(.format, "a cluster needs a name and 1 to \(Self.partitionsMax) partitions")
    }
    shared = StoreShared(try ConnectionString(connection), service, identity, options, clock)
    let shared = shared
    var started: [BackgroundThread?] = []
    for place in 0..<options.writerCount {
      started.append(
        BackgroundThread("pg-writer") {
          let worker = Writer(shared, place: place)
          WorkerLoop(shared: shared, signal: shared.writerSignals[place], worker: worker, isWriter: true).run()
        })
    }
    for place in 0..<options.readerCount {
      started.append(
        BackgroundThread("pg-reader") {
          let worker = Loader(shared)
          WorkerLoop(shared: shared, signal: shared.readerSignals[place], worker: worker, isWriter: false).run()
        })
    }
    threads.withLock { $0 = started.compactMap { $0 } }
    guard started.allSatisfy({ $0 != nil }) else {
      close()
      throw StoreFailure(.write, "\(shared.name): cannot start a thread to work on it")
    }
  }

  /// Begins a comparison of clocks. The returned function takes the server's time, in milliseconds since 1970-01-01
  /// UTC, and returns why an owner cannot start with its clock; nil if it can.
  public typealias ClockQuestion = @Sendable () -> (_ serverMilliseconds: Int64) -> String?

  /// The maximum number of a service's partitions.
  public static let partitionsMax = 4_096

  deinit { close() }

  // MARK: For operators

  /// What the store has done so far.
  public var counters: PostgresCounters { shared.counters }

  /// Whether the server can be reached.
  public var status: PostgresStatus {
    shared.state.withLock { state in
      PostgresStatus(
        name: shared.name, isConnected: state.connectedWriters > 0 && state.connectedReaders > 0,
        failure: state.failure)
    }
  }

  // MARK: StateStore

  /// Waits for an unreachable server up to `acquireWaitMilliseconds`, and not beyond the store's end.
  public func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    let answer = Promise<Result<Ownership, StoreFailure>>()
    let deadline = MonotonicClock.milliseconds + Int64(shared.options.acquireWaitMilliseconds)
    ask(WriteRequest(partition: partition, work: .acquire(above: floor) { answer.fulfil($0) }, deadline: deadline))
    return try answer.wait().get()
  }

  public func write(
    _ batch: CheckpointBatch, epoch: UInt64, completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void
  ) {
    ask(
      WriteRequest(
        partition: batch.header.partition, work: .write(batch, epoch: epoch, completion),
        deadline: MonotonicClock.milliseconds + Int64(shared.options.writeWaitMilliseconds)))
  }

  private func ask(_ request: WriteRequest) {
    let place = Int(request.partition.index) % shared.options.writerCount
    let failure = shared.state.withLock { state -> StoreFailure? in
      let queued = state.writes[place].count
      if let failure = refusal(state, request.partition, queued, shared.options.queuedWritesMax, .write) {
        return failure
      }
      state.writes[place].append(request)
      return nil
    }
    if let failure { return request.fail(failure) }
    shared.writerSignals[place].set()
  }

  public func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  ) {
    ask(.entities(keys, completion), of: partition, epoch, in: \.loads)
  }

  public func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  ) {
    ask(.orders(after: after, limit: limit, completion), of: partition, epoch, in: \.pages)
  }

  private func ask(
    _ work: LoadRequest.Work, of partition: PartitionID, _ epoch: UInt64,
    in queue: WritableKeyPath<StoreShared.State, [LoadRequest]>
  ) {
    let request = LoadRequest(
      work: work, partition: partition, epoch: epoch,
      deadline: MonotonicClock.milliseconds + Int64(shared.options.loadWaitMilliseconds))
    let failure = shared.state.withLock { state -> StoreFailure? in
      let queued = state[keyPath: queue].count
      if let failure = refusal(state, partition, queued, shared.options.queuedLoadsMax, .read) { return failure }
      state[keyPath: queue].append(request)
      return nil
    }
    if let failure { return request.complete(.failure(failure)) }
    for signal in shared.readerSignals { signal.set() }
  }

  private func refusal(
    _ state: borrowing StoreShared.State, _ partition: PartitionID, _ queued: Int, _ queuedMax: Int,
    _ code: StoreFailure.Code
  ) -> StoreFailure? {
    if state.isClosing { return shared.closed }
    guard partition.service == shared.service, Int(partition.index) < shared.identity.partitionCount else {
      let own = "the \(shared.identity.partitionCount) partitions of \(shared.service.name)"
      return StoreFailure(.format, "\(shared.name): holds \(own), not \(partition)")
    }
    if queued >= queuedMax { return StoreFailure(code, "\(shared.name): \(queued) requests are already waiting") }
    return nil
  }

  /// Finishes what was requested. If the server is unreachable, makes one more attempt, and then fails what is left.
  public func close() {
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    shared.state.withLock { $0.isClosing = true }
    for signal in shared.writerSignals + shared.readerSignals { signal.set() }
    for thread in running { thread.join() }
  }
}
