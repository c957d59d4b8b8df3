import Ports
import Model
import PartitionCore
import Synchronization
import Lanes

/// The log of an embedded Kassa: one SQLite file for the partitions of all three services.
///
/// ```
/// lanes ──append──► sequencer (one short lock)
///                        │ one queue
///                        ▼
///                  writer thread: everything queued = one transaction = one fsync ──► confirmations by lane
/// ```
/// `RecordSequencer` says when a group begins, and why none waits forever.
///
/// **Threads.** The *writer* owns the only connection that writes records. The *reader* reads committed records for
/// partitions that start, in chunks for which their lanes have room. The *checkpointer* copies the write-ahead log.
///
/// **The write-ahead log** is bounded without making commits wait: SQLite's own checkpoints are off; past
/// `checkpointPagesDue` the checkpointer copies pages into the file while the writer continues, and past
/// `checkpointPagesMax` the writer itself copies the few added in the meantime, so that its next transaction starts
/// over at the beginning of the write-ahead log. The file is not truncated: overwriting is cheaper than growing.
///
/// **Failures.** After a failed write, fsync or checkpoint the contents of the disk are unknown: for the rest of this
/// process's life the log accepts and confirms no records. After the next start, what was not acknowledged may or may
/// not be there; what was acknowledged is.
public final class SQLiteLog: RecordLog {
  struct State: Sendable {
    var sequencer: FileSequencer
    var lanes: [any LogLane] = []
    var readings: [LogReading] = []
    /// By lane.
    var read: [ReadAhead] = []
    /// By slot: the offset up to which the partition's records are no longer needed.
    var trimmedThrough: [Int64]
    /// As the writer last left them.
    var base: LogMark
    var nextMark: LogMark?
    var end: LogMark
    var isTrimRequested = false
    var isCheckpointRequested = false
    var isClosing = false
    var statistics = Statistics()
  }

  /// What the threads share.
  final class Shared: Sendable {
    let state: Mutex<State>
    /// Changed under `state`'s lock; read without it for each command.
    let isBacklogged = Atomic(false)
    /// Something is being read or was not taken yet: lanes check each turn, and usually there is nothing.
    let isReading = Atomic(false)
    let writerSignal = Signal()
    let readerSignal = Signal()
    let checkpointSignal = Signal()
    let options: Options
    let path: String

    init(_ state: sending State, _ options: Options, path: String) {
      self.state = Mutex(state)
      self.options = options
      self.path = path
    }

    /// Call it under the lock after the queue has changed.
    func noteBacklog(_ state: borrowing State) {
      isBacklogged.store(state.sequencer.isBacklogged, ordering: .relaxed)
    }

    /// Ends the log and wakes everybody.
    func fail(_ failure: LogFailure) {
      let lanes = state.withLock { state in
        state.sequencer.fail(failure)
        noteBacklog(state)
        return state.lanes
      }
      for lane in lanes { lane.logHasNews() }
    }
  }

  private let shared: Shared
  private let partitionCount: Int
  private let threads: Mutex<[BackgroundThread]>
  /// Keeps the folder locked while the file is open.
  private let folder: Mutex<DataFolder?>

  /// Opens the log of a folder.
  /// - Throws: `LogFailure` if the file cannot be read or is damaged, or a thread cannot be started.
  public init(folder: DataFolder, options: Options = Options()) throws(LogFailure) {
    if let contradiction = options.contradiction { throw LogFailure(.format, contradiction) }
    self.folder = Mutex(folder)
    let partitionCount = folder.format.partitionCount
    self.partitionCount = partitionCount
    let writer = try Self.openWriter(folder, options)
    let cursor = try Self.openCursor(folder)
    let checkpoints = try Self.openDatabase(folder, .readWrite)
    let sequencer = FileSequencer(
      partitionCount: partitionCount, limits: options.limits, durable: UInt64(clamping: writer.end.sequence),
      nextOffsets: writer.end.offsets)
    let shared = Shared(
      State(
        sequencer: sequencer, trimmedThrough: writer.base.offsets.map { $0 - 1 }, base: writer.base,
        nextMark: writer.nextMark, end: writer.end),
      options, path: "\(folder.path)/\(LogFile.file.name)")
    self.shared = shared
    threads = Mutex([])
    let started = [
      BackgroundThread("log-writer") { LogWriterLoop(shared, writer).run() },
      BackgroundThread("log-reader") { LogReaderLoop(shared, cursor).run() },
      BackgroundThread("log-checkpoint") { LogCheckpointLoop(shared, checkpoints).run() },
    ]
    threads.withLock { $0 = started.compactMap { $0 } }
    guard started.allSatisfy({ $0 != nil }) else {
      close()
      throw LogFailure(.write, "\(shared.path): cannot start a thread to write it")
    }
  }

  private static func openDatabase(
    _ folder: DataFolder, _ mode: Database.Mode
  ) throws(LogFailure) -> sending Database {
    try LogFailure.reading { () throws(DatabaseError) in try LogFile.file.open(in: folder.path, mode: mode) }
  }

  private static func openWriter(_ folder: DataFolder, _ options: Options) throws(LogFailure) -> sending LogWriter {
    let database = try openDatabase(folder, .readWrite)
    let count = folder.format.partitionCount
    return try LogFailure.reading { () throws(DatabaseError) in
      try LogWriter(database, options, partitionCount: count)
    }
  }

  private static func openCursor(_ folder: DataFolder) throws(LogFailure) -> sending LogCursor {
    let database = try openDatabase(folder, .readOnly)
    let count = folder.format.partitionCount
    return try LogFailure.reading { () throws(DatabaseError) in try LogCursor(database, partitionCount: count) }
  }

  deinit { close() }

  // MARK: RecordLog

  package func attach(_ lanes: [any LogLane]) {
    shared.state.withLock { state in
      state.sequencer.attach(laneCount: lanes.count)
      state.lanes = lanes
      state.read = Array(repeating: ReadAhead(), count: lanes.count)
    }
  }

  package func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int]) {
    let bodies = EncodedRecord.encode(appends)
    let isFull = shared.state.withLock { state in
      for other in others { state.sequencer.expect(other) }
      if !state.isClosing { state.sequencer.append(appends, bodies: bodies, by: lane) }
      shared.noteBacklog(state)
      return state.sequencer.isGroupFull
    }
    if isFull { shared.writerSignal.set() }
  }

  package func takeConfirmations(of lane: Int) -> [Confirmation] {
    shared.state.withLock { $0.sequencer.takeConfirmations(of: lane) }
  }

  package func turnEnded(by lane: Int) {
    let isDue = shared.state.withLock { state in
      state.sequencer.turnEnded(by: lane)
      return state.sequencer.isGroupDue
    }
    if isDue { shared.writerSignal.set() }
  }

  package var isBacklogged: Bool { shared.isBacklogged.load(ordering: .relaxed) }

  package var failure: LogFailure? { shared.state.withLock { $0.sequencer.failure } }

  /// The newest place in the sequence that is durable.
  public var durable: UInt64 { shared.state.withLock { $0.sequencer.durable } }

  /// The offset that the partition's next record gets; 0 for one that does not exist.
  public func nextOffset(of partition: PartitionID) -> Int64 {
    shared.state.withLock { $0.sequencer.nextOffset(of: partition) }
  }

  public var statistics: Statistics {
    shared.state.withLock { state in
      var statistics = state.statistics
      statistics.recordsPending = state.sequencer.pendingRecords
      return statistics
    }
  }

  /// Why owners cannot continue after these offsets; nil if they can. Call it before changing anything in a store.
  public func refusal(after offsets: [PartitionID: Int64]) -> LogFailure? {
    shared.state.withLock { state in
      if let failure = state.sequencer.failure { return failure }
      for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
        if let failure = check(offset == .max ? .max : offset + 1, of: partition, state) { return failure }
      }
      return nil
    }
  }

  package func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure) {
    let failure = shared.state.withLock { state -> LogFailure? in
      if let failure = state.sequencer.failure { return failure }
      guard state.read.indices.contains(lane) else {
        return LogFailure(.settings, "\(shared.path): has no lane \(lane)")
      }
      var offsets: [Int: Int64] = [:]
      for (partition, offset) in partitions.sorted(by: { $0.key < $1.key }) {
        guard let slot = partition.slot(of: partitionCount) else {
          return LogFailure(.format, "\(shared.path): has no partition \(partition)")
        }
        if let failure = check(offset, of: partition, state) { return failure }
        offsets[slot] = offset
      }
      state.readings.append(LogReading(lane: lane, nextOffsets: offsets, end: state.end, readThrough: nil))
      shared.isReading.store(true, ordering: .releasing)
      return nil
    }
    if let failure { throw failure }
    shared.readerSignal.set()
  }

  package func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent] {
    guard shared.isReading.load(ordering: .acquiring) else { return [] }
    var (taken, isReading, notified) = ([ReadEvent](), false, (any LogLane)?.none)
    shared.state.withLock { state in
      guard state.read.indices.contains(lane) else { return }
      taken = state.read[lane].take(eventsMax)
      // The reader wakes a lane only for the first event it reads.
      if !state.read[lane].events.isEmpty, state.lanes.indices.contains(lane) { notified = state.lanes[lane] }
      isReading = !state.readings.isEmpty
      if !isReading, state.read.allSatisfy(\.events.isEmpty) { shared.isReading.store(false, ordering: .releasing) }
    }
    if isReading { shared.readerSignal.set() }
    notified?.logHasNews()
    return taken
  }

  /// Why an owner that needs the records from `offset` on cannot continue; nil if it can.
  private func check(_ offset: Int64, of partition: PartitionID, _ state: State) -> LogFailure? {
    guard let slot = partition.slot(of: partitionCount) else { return nil }
    let (first, next) = (state.base.offsets[slot], state.end.offsets[slot])
    if offset < first {
      return LogFailure(
        .trimmed,
        "\(shared.path): begins \(partition) with offset \(first), and offset \(offset) is needed; "
          + "restore log and store from the same backup")
    }
    if offset > next {
      return LogFailure(
        .format,
        "\(shared.path): ends \(partition) before offset \(offset - 1), which the store already holds; "
          + "restore log and store from the same backup")
    }
    return nil
  }

  package func trim(_ partition: PartitionID, through offset: Int64) {
    guard let slot = partition.slot(of: partitionCount) else { return }
    let isDue = shared.state.withLock { state in
      state.trimmedThrough[slot] = max(state.trimmedThrough[slot], min(offset, state.end.offsets[slot] - 1))
      let isDue = TrimRule(shared.options).allows(
        base: state.base, nextMark: state.nextMark, end: state.end, trimmedThrough: state.trimmedThrough)
      state.isTrimRequested = state.isTrimRequested || isDue
      return isDue
    }
    if isDue { shared.writerSignal.set() }
  }

  public func close() {
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    guard !running.isEmpty else { return }
    shared.state.withLock { $0.isClosing = true }
    shared.writerSignal.set()
    shared.readerSignal.set()
    shared.checkpointSignal.set()
    for thread in running { thread.join() }
    folder.withLock { folder in
      // What a failed log left on the disk is for the next start to read.
      if failure != nil { folder?.leave() }
      folder = nil
    }
    shared.fail(LogFailure(.closed, "\(shared.path): the log is closed"))
    shared.state.withLock { $0.lanes = [] }
  }
}
