import Dispatch
import EventLog
import Glibc
import HTTPServer
import Lanes
import Model
import OperatorAPI
import PartitionCore
import PartitionRuntime
import PriceCache
import RestAPI
import SQLiteFolder
import SQLiteLog
import SQLiteStore
import Settings
import StateStore
import Synchronization
import Telemetry

/// The embedded mode: orders, stock and payments in one process, durable in a data folder.
///
/// ```
/// lane 0..n-1   one HTTP server, one REST API, its share of the partitions
/// lane n        the operator port
/// log, store    SQLite files with threads of their own
/// ```
/// Boot: lock the folder, open log and store, take the partitions over, replay on the lanes, open the gates. The ports
/// are open from the start: while the replay lasts requests are refused with 503, and `/readyz` says what is missing.
public final class EmbeddedServer: Sendable {
  public let httpEndpoint: HTTPEndpoint
  public let operatorEndpoint: HTTPEndpoint

  private let settings: ServeSettings
  private let log: SQLiteLog
  private let store: SQLiteStore
  private let runtime: Runtime
  private let lanes: [LaneConfined<LaneServer>]
  private let operatorLane: LaneConfined<OperatorLane>
  private let requestLanes: [Lane]
  private let ownLane: Lane
  private let replayed: Gate

  /// Opens everything and starts to serve.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`, `HTTPServerFailure`, `LaneFailure`,
  ///   `ConfigurationError`: each names what is wrong; nothing keeps running then.
  public init(_ settings: ServeSettings, version: String, journal: Log) throws {
    self.settings = settings
    let configuration = try Configuration(settings)
    let folder = try DataFolder(
      path: settings.dataFolder, partitionCount: settings.partitions, files: [LogFile.file, StoreFile.file])
    log = try SQLiteLog(folder: folder, options: configuration.log)
    store = try SQLiteStore(folder: folder, options: configuration.store)
    var made: [Lane] = []
    for index in 0...configuration.runtime.laneCount { made.append(try Lane(index: index)) }
    requestLanes = Array(made.dropLast())
    ownLane = made[configuration.runtime.laneCount]
    let replayed = Gate()
    self.replayed = replayed
    let incarnation = UInt64.random(in: 1...UInt64.max)
    runtime = try Runtime(
      options: configuration.runtime, lanes: requestLanes, log: log, store: store, incarnation: incarnation,
      clock: { Timestamp(milliseconds: Clock.wallMilliseconds()) },
      report: { Self.tell($0, journal) }, onReplayed: { replayed.open() })

    let ledger = ConnectionLedger(limits: configuration.http)
    let prices = MemoryPriceCache(
      entriesMax: settings.priceCacheEntriesMax, lifetimeMilliseconds: settings.priceCacheMilliseconds,
      now: { Clock.monotonicMicroseconds() / 1_000 })
    let keys = KeyRegistry(expiryMilliseconds: settings.idempotencyExpiryMilliseconds)
    let listener = try HTTPListener(
      configuration.httpEndpoint, laneCount: requestLanes.count, limits: configuration.http)
    var servers: [LaneConfined<LaneServer>] = []
    var metrics: [RequestMetrics] = []
    for lane in requestLanes {
      let server = try LaneServer(
        lane: lane, runtime: runtime, listener: listener, configuration: configuration, ledger: ledger,
        prices: prices, keys: keys, incarnation: incarnation, version: version)
      metrics.append(server.metrics)
      servers.append(LaneConfined(server, lane: lane))
    }
    lanes = servers
    httpEndpoint = HTTPEndpoint(host: settings.http.host, port: listener.boundPort)
    let operatorListener = try HTTPListener(
      configuration.operatorEndpoint, laneCount: 1, limits: configuration.operatorHTTP)
    let operatorServer = try OperatorLane(
      lane: ownLane, runtime: runtime, listener: operatorListener, configuration: configuration,
      sources: Self.sources(version, metrics, ledger, log))
    operatorLane = LaneConfined(operatorServer, lane: ownLane)
    operatorEndpoint = HTTPEndpoint(host: settings.operatorPort.host, port: operatorListener.boundPort)
    do {
      try start()
    } catch {
      endLanes()
      throw error
    }
  }

  private func start() throws {
    for (index, lane) in requestLanes.enumerated() {
      let server = lanes[index]
      let runtime = runtime
      lane.post {
        runtime.begin(lane: index)
        server.value.begin()
      }
      try lane.start { server.value.turn() }
    }
    let operatorLane = operatorLane
    try ownLane.start { operatorLane.value.turn() }
  }

  private static func sources(
    _ version: String, _ metrics: [RequestMetrics], _ ledger: ConnectionLedger, _ log: SQLiteLog
  ) -> OperatorSources {
    OperatorSources(
      version: version, startedMilliseconds: Clock.wallMilliseconds(), requests: metrics,
      server: {
        ServerFigures(
          connections: UInt64(clamping: ledger.openConnections), connectionsAccepted: ledger.acceptedConnections,
          connectionsRefused: ledger.refusedConnections)
      },
      log: {
        let statistics = log.statistics
        let durable = log.durable.sequence
        return LogFigures(
          appendedPosition: durable + UInt64(clamping: statistics.recordsPending), durablePosition: durable,
          commits: statistics.commits, isFailed: log.failure != nil)
      })
  }

  private static func tell(_ event: RuntimeEvent, _ journal: Log) {
    switch event {
    case .partitionStopped(let partition, let offset, let reason):
      journal.error(
        "partition stopped", ["partition": LogValue(partition), "offset": LogValue(offset), "reason": LogValue(reason)])
    case .storeFailed(let partition, let reason):
      journal.error("store failed", ["partition": LogValue(partition), "reason": LogValue(reason)])
    case .mailRefused(let count):
      journal.error("a lane's mailbox is full; answers were lost", ["messages": LogValue(count)])
    }
  }

  /// Waits until everything from before the start has been applied. Returns false when that takes longer.
  public func waitUntilReady(milliseconds: Int) -> Bool { replayed.wait(milliseconds: milliseconds) }

  /// Ends in order: takes no new connections and commands, lets what is under way end, writes checkpoints, closes
  /// log, store and ports. Blocking; takes `drainMilliseconds` and a few seconds at most.
  public func stop() {
    let drained = Gate()
    for (lane, server) in zip(requestLanes, lanes) { lane.post { server.value.http.stopAccepting() } }
    runtime.stop(answersMilliseconds: UInt64(clamping: settings.drainMilliseconds)) { drained.open() }
    _ = drained.wait(milliseconds: Int(clamping: settings.drainMilliseconds) + Self.closingMillisecondsMax)
    close()
  }

  /// What checkpoints may take beyond the drain.
  static let closingMillisecondsMax = 10_000

  private func close() {
    for (lane, server) in zip(requestLanes, lanes) { lane.post { server.value.http.close() } }
    let operatorLane = operatorLane
    ownLane.post { operatorLane.value.http.close() }
    endLanes()
    store.close()
    log.close()
  }

  private func endLanes() {
    for lane in requestLanes + [ownLane] { lane.stop() }
    for lane in requestLanes + [ownLane] { lane.join() }
  }
}
