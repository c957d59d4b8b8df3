import Clocks
import Dispatch
import SQLite
import HTTPServer
import Model
import OperatorAPI
import PartitionCore
import Runtime
import Ports
import Settings
import Synchronization
import Telemetry

/// The embedded mode: orders, stock and payments in one process, durable in a data folder.
///
/// ```
/// lane 0..n-1   one HTTP server, one REST API, its share of the partitions
/// lane n        the operator port
/// log, store    SQLite files with their own threads
/// ```
/// Boot: upgrade the folder if an earlier version wrote it, lock it, check the clock against it, open log and store,
/// take over the partitions, replay on the lanes, open the gates. The ports are open from the start: during the replay
/// requests are refused with 503, and `/readyz` says what is missing.
public final class EmbeddedServer: Sendable {
  private let settings: ServeSettings
  private let log: SQLiteLog
  private let store: SQLiteStore
  private let front: ServerFront
  private let clock: ServingClock
  private let replayed: Gate
  private let runtime: OwnerRuntime
  /// How much of each partition the store had at the start, and how many log records were beyond that.
  private let offsetsAtBoot: [PartitionID: Int64]
  private let recordsToReplay: Int64

  public var httpEndpoint: HTTPEndpoint { front.httpEndpoint }
  public var operatorEndpoint: HTTPEndpoint { front.operatorEndpoint }

  /// Opens everything and starts to serve.
  ///
  /// - Parameters:
  ///   - reloads: what else can be reloaded while it serves.
  ///   - onFinalFailure: called on any thread, once or more, when there is a `finalFailure`: then the process should
  ///     end.
  /// - Throws: `DataFolderFailure`, `FolderUpgrade.Refusal`, `ClockRefusal`, `LogFailure`, `StoreFailure`,
  ///   `HTTPServerFailure`, `LaneFailure`, `ConfigurationError`: each names what is wrong; then nothing keeps running.
  public init(
    _ settings: ServeSettings, version: String, journal: Log, reloads: [Reload] = [],
    onFinalFailure: @escaping @Sendable () -> Void = {}
  ) throws {
    self.settings = settings
    let serving = try ServingOptions(settings)
    let options = try EmbeddedOptions(settings)
    let upgrade = try FolderUpgrade.runIfNeeded(
      path: settings.dataFolder, partitionCount: settings.partitions,
      keepsHistory: settings.eventLogRetention == .keep, options: options.store)
    if let upgrade { journal.report(upgrade) }
    let folder = try DataFolder(
      path: settings.dataFolder, partitionCount: settings.partitions, files: [LogFile.file, StoreFile.file])
    let clock = try FolderClock.clock(settings)
    self.clock = clock
    let log = try SQLiteLog(folder: folder, options: options.log)
    self.log = log
    let store = try SQLiteStore(folder: folder, options: options.store)
    self.store = store
    // Before the partitions are taken over: a refused folder stays unchanged.
    let standing = try SQLiteStoreReader(path: settings.dataFolder).headers()
    let offsets = Dictionary(standing.map { ($0.partition, $0.offset) }, uniquingKeysWith: max)
    if let refusal = log.refusal(after: offsets) { throw refusal }
    offsetsAtBoot = offsets
    recordsToReplay = Service.allCases.reduce(0) { sum, service in
      (0..<settings.partitions).reduce(sum) { sum, index in
        let partition = PartitionID(service, UInt16(index))
        return sum + max(0, log.nextOffset(of: partition) - 1 - (offsets[partition] ?? -1))
      }
    }
    let lanes = try ServerLanes(servingCount: serving.runtime.laneCount)
    let replayed = Gate()
    self.replayed = replayed
    let incarnation = UInt64.random(in: 1...UInt64.max)
    let runtime = try OwnerRuntime(
      options: serving.runtime, lanes: lanes.serving, log: log, store: store, run: incarnation, clock: { clock.now() },
      report: { event in
        journal.report(event)
        if event.mayBeFinal, log.failure != nil || store.failure != nil { onFinalFailure() }
      }, onReplayed: { replayed.open() })
    self.runtime = runtime
    let prices = MemoryPriceCache(
      entriesMax: settings.priceCacheEntriesMax, lifetimeMilliseconds: settings.priceCacheMilliseconds,
      now: { MonotonicClock.milliseconds })
    var parts = ServerFront.Parts(
      runtime: runtime, prices: lanes.serving.map { _ in prices }, incarnation: incarnation, version: version)
    parts.journal = journal
    parts.reloads = reloads
    front = try ServerFront(
      serving, lanes: lanes, parts,
      sources: {
        $0.log = { LogFigures(of: log) }
        clock.extend(&$0)
      })
    front.reportIgnoredKeys(journal)
    try front.start()
    clock.watch(journal)
  }

  /// Why its log or its store takes nothing more until a new process has opened the folder again; nil while both do.
  public var finalFailure: String? { runtime.finalFailure }

  /// Waits until everything from before the start has been applied. Returns false if that takes longer.
  public func waitUntilReady(milliseconds: Int) -> Bool { replayed.wait(milliseconds: milliseconds) }

  /// Log records applied since the start, and the total to apply before it is ready. nil if a lane is too busy to
  /// answer. Blocks for a second at most.
  public func replayedRecords() -> (done: Int64, total: Int64)? {
    let answer = Mutex<RuntimeReport?>(nil)
    let answered = DispatchSemaphore(value: 0)
    runtime.report(timeoutMilliseconds: 1_000) { report in
      answer.withLock { $0 = report }
      answered.signal()
    }
    answered.wait()
    guard let report = answer.withLock({ $0 }) else { return nil }
    let done = report.partitions.reduce(Int64(0)) { sum, one in
      sum + max(0, one.appliedOffset - (offsetsAtBoot[one.partition] ?? -1))
    }
    return (min(done, recordsToReplay), recordsToReplay)
  }

  /// Is no longer ready, but keeps serving until `stop`, so that load balancers send requests elsewhere.
  public func leave() { front.leave() }

  /// Reloads what may change while it serves; what cannot be used changes nothing, and is reported.
  public func reload(_ journal: Log) { front.reload(journal) }

  /// Shuts down in order: accepts no new connections and commands, finishes what is under way, writes checkpoints,
  /// closes log, store and ports. Blocking; takes `drainMilliseconds` and a few seconds at most.
  public func stop() {
    front.drain(
      answersMilliseconds: settings.drainMilliseconds, closingMilliseconds: Self.closingMillisecondsMax)
    front.close()
    clock.end()
    store.close()
    log.close()
  }

  /// How long checkpoints may take beyond the drain.
  static let closingMillisecondsMax = 10_000
}

extension RuntimeEvent {
  /// Whether it can mean that log or store have failed for good.
  fileprivate var mayBeFinal: Bool {
    switch self {
    case .logFailed, .storeFailed: true
    default: false
    }
  }
}

extension LogFigures {
  init(of log: SQLiteLog) {
    let statistics = log.statistics
    let durable = log.durable
    self.init(
      appendedPosition: durable + UInt64(clamping: statistics.recordsPending), durablePosition: durable,
      commits: statistics.commits, isFailed: log.failure != nil)
  }
}

extension Log {
  fileprivate func report(_ report: FolderUpgrade.Report) {
    info(
      "upgraded the data folder from version 0.1.0",
      [
        "records": LogValue(report.recordsReplayed), "messages": LogValue(report.messagesDelivered),
        "former_log": LogValue(report.copy ?? "not kept"),
      ])
  }
}
