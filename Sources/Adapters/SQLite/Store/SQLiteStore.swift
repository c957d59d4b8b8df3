import Model
import PartitionCore
import Ports
import Synchronization
import Lanes

/// The store of an embedded Kassa: one SQLite file for the partitions of all three services.
///
/// The *writer* thread puts everything queued — epochs and batches of several partitions — into one transaction.
/// *Reader* threads load over their own connections and never wait for the writer; each load is one read transaction
/// that sees every completed write. The epoch is read in the same transaction as what it guards.
///
/// A batch that could not be written may be retried: the transaction was rolled back. After a failed fsync the contents
/// of the disk are unknown; from then on every call fails, and only a new process reads the file again.
public final class SQLiteStore: StateStore {
  /// The store's bounds.
  public struct Options: Hashable, Sendable {
    /// Threads that load.
    public var readerCount = 1
    /// Waiting loads and writes; more fail at once. A partition has one of each at a time.
    public var queuedRequestsMax = 32_768
    /// Changed rows per transaction; the batch that crosses this bound is included as a whole.
    public var groupChangesMax = 100_000
    /// Expired idempotency keys that one checkpoint deletes; the next ones delete the rest.
    public var expiredRowsMax = 20_000
    /// Pages in the write-ahead log at which the writer copies them into the file.
    public var checkpointPagesDue = 8_000
    /// The writer's page cache, in KiB.
    public var writerCacheKibibytes = 32_768
    /// The same for each reader.
    public var readerCacheKibibytes = 8_192

    public init() {}

    /// A sentence about the first bound that is out of range.
    public var contradiction: String? {
      let all = [
        readerCount, queuedRequestsMax, groupChangesMax, expiredRowsMax, checkpointPagesDue, writerCacheKibibytes,
        readerCacheKibibytes,
      ]
      if all.contains(where: { $0 < 1 }) { return "every bound of the store must be at least 1" }
      return readerCount > 64 ? "readerCount (\(readerCount)) must not exceed 64" : nil
    }
  }

  enum WriteRequest: Sendable {
    case acquire(PartitionID, above: UInt64, @Sendable (Result<Ownership, StoreFailure>) -> Void)
    case write(CheckpointBatch, epoch: UInt64, @Sendable (Result<Void, StoreFailure>) -> Void)

    func fail(_ failure: StoreFailure) {
      switch self {
      case .acquire(_, _, let completion): completion(.failure(failure))
      case .write(_, _, let completion): completion(.failure(failure))
      }
    }
  }

  struct LoadRequest: Sendable {
    let keys: [EntityKey]
    let partition: PartitionID
    let epoch: UInt64
    let completion: @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  }

  struct OrdersRequest: Sendable {
    let partition: PartitionID
    let after: OrderID?
    let limit: Int
    let epoch: UInt64
    let completion: @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  }

  enum ReadRequest: Sendable {
    case load(LoadRequest)
    case orders(OrdersRequest)
  }

  struct State: Sendable {
    var writes: [WriteRequest] = []
    var loads: [LoadRequest] = []
    /// They wait until there are no loads.
    var pages: [OrdersRequest] = []
    var isClosing = false
    /// The failure of every call; final once set.
    var failure: StoreFailure?
  }

  /// What the threads share.
  final class Shared: Sendable {
    let state = Mutex(State())
    let writerSignal = Signal()
    let readerSignals: [Signal]
    let options: Options
    let path: String

    init(_ options: Options, path: String) {
      self.options = options
      self.path = path
      readerSignals = (0..<options.readerCount).map { _ in Signal() }
    }

    func fail(_ failure: StoreFailure) {
      state.withLock { if $0.failure == nil { $0.failure = failure } }
    }
  }

  private let shared: Shared
  private let threads = Mutex<[BackgroundThread]>([])
  /// Keeps the folder locked while the file is open.
  private let folder: Mutex<DataFolder?>

  /// Opens the store of a folder.
  /// - Throws: `StoreFailure` if the file cannot be read or is damaged, or a thread cannot be started.
  public init(folder: DataFolder, options: Options = Options()) throws(StoreFailure) {
    if let contradiction = options.contradiction { throw StoreFailure(.format, contradiction) }
    self.folder = Mutex(folder)
    shared = Shared(options, path: "\(folder.path)/\(StoreFile.file.name)")
    let shared = shared
    let writer = try Self.openWriter(folder, options)
    var started = [BackgroundThread("store-writer") { StoreWriterLoop(shared, writer).run() }]
    for place in 0..<options.readerCount {
      let rows = try Self.openRows(folder, options)
      started.append(BackgroundThread("store-reader") { StoreReaderLoop(shared, rows, place).run() })
    }
    threads.withLock { $0 = started.compactMap { $0 } }
    guard started.allSatisfy({ $0 != nil }) else {
      close()
      throw StoreFailure(.write, "\(shared.path): cannot start a thread to work on it")
    }
  }

  private static func openWriter(_ folder: DataFolder, _ options: Options) throws(StoreFailure) -> sending StoreWriter {
    try StoreFailure.reading { () throws(DatabaseError) in
      try StoreWriter(try StoreFile.file.open(in: folder.path, mode: .readWrite), options)
    }
  }

  private static func openRows(_ folder: DataFolder, _ options: Options) throws(StoreFailure) -> sending StoreRows {
    try StoreFailure.reading { () throws(DatabaseError) in
      let database = try StoreFile.file.open(in: folder.path, mode: .readOnly)
      try database.execute("PRAGMA cache_size = -\(options.readerCacheKibibytes)")
      return try StoreRows(database)
    }
  }

  deinit { close() }

  // MARK: StateStore

  public func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    let answer = Promise<Result<Ownership, StoreFailure>>()
    ask(.acquire(partition, above: floor) { answer.fulfil($0) })
    return try answer.wait().get()
  }

  public func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  ) {
    let request = LoadRequest(keys: keys, partition: partition, epoch: epoch, completion: completion)
    let failure = shared.state.withLock { state -> StoreFailure? in
      if let failure = refusal(state, queued: state.loads.count, .read) { return failure }
      state.loads.append(request)
      return nil
    }
    if let failure { return completion(.failure(failure)) }
    for signal in shared.readerSignals { signal.set() }
  }

  public func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  ) {
    let request = OrdersRequest(
      partition: partition, after: after, limit: limit, epoch: epoch, completion: completion)
    let failure = shared.state.withLock { state -> StoreFailure? in
      if let failure = refusal(state, queued: state.pages.count, .read) { return failure }
      state.pages.append(request)
      return nil
    }
    if let failure { return completion(.failure(failure)) }
    for signal in shared.readerSignals { signal.set() }
  }

  public func write(
    _ batch: CheckpointBatch, epoch: UInt64,
    completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void
  ) {
    ask(.write(batch, epoch: epoch, completion))
  }

  private func ask(_ request: WriteRequest) {
    let failure = shared.state.withLock { state -> StoreFailure? in
      if let failure = refusal(state, queued: state.writes.count, .write) { return failure }
      state.writes.append(request)
      return nil
    }
    if let failure { return request.fail(failure) }
    shared.writerSignal.set()
  }

  private func refusal(_ state: borrowing State, queued: Int, _ code: StoreFailure.Code) -> StoreFailure? {
    if let failure = state.failure { return failure }
    if state.isClosing { return StoreFailure(.closed, "\(shared.path): the store is closed") }
    if queued >= shared.options.queuedRequestsMax {
      return StoreFailure(code, "\(shared.path): \(queued) requests are already waiting")
    }
    return nil
  }

  public var failure: StoreFailure? { shared.state.withLock(\.failure) }

  public func close() {
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    shared.state.withLock { $0.isClosing = true }
    shared.writerSignal.set()
    for signal in shared.readerSignals { signal.set() }
    for thread in running { thread.join() }
    folder.withLock { folder in
      // What a failed store left on the disk is for the next start to read.
      if failure != nil { folder?.leave() }
      folder = nil
    }
    shared.fail(StoreFailure(.closed, "\(shared.path): the store is closed"))
  }
}
