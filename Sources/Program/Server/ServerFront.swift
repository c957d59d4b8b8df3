import Callers
import Clocks
import HTTPServer
import Lanes
import Model
import OperatorAPI
import PartitionCore
import Runtime
import Ports
import RestAPI
import Synchronization
import Telemetry

/// What surrounds a process's partitions and is the same in every mode: on each lane an HTTP server with its REST
/// API, and the operator port on its own lane.
///
/// Life: make it, `start`, `leave`, `drain`, `close`; `leave` is optional. Anything else on the lanes is set
/// up before `start` and closed between `drain` and `close`.
public final class ServerFront: Sendable {
  public let httpEndpoint: HTTPEndpoint
  public let operatorEndpoint: HTTPEndpoint

  private let lanes: ServerLanes
  private let runtime: any ServedRuntime
  private let servers: [LaneConfined<LaneServer>]
  private let operatorLane: LaneConfined<OperatorLane>
  private let leaving = LeavingFlag()
  private let connections: ConnectionLedger
  /// nil: everybody may do everything.
  let callers: CallerSource?
  /// nil without TLS.
  let tlsFiles: TLSFiles?
  let reloads = Reloads()
  /// nil: no request gets a line.
  private let accessLog: AccessLogWriter?

  /// What all lanes share.
  public struct Parts {
    public var runtime: any ServedRuntime
    /// By lane; may be the same for all.
    public var prices: [any PriceCache]
    /// The services whose routes are answered.
    public var services: Set<Service>
    /// Chosen afresh at every start; request ids carry it.
    public var incarnation: UInt64
    public var version: String
    /// Gets the outcome of a reload that the operator port was asked for; nil: nobody does.
    public var journal: Log?
    /// What is reloaded besides API keys and certificates, and before them.
    public var reloads: [Reload] = []
    /// Writes whole lines of the access log; false if they are lost. Called on its own thread, and may block.
    var writeAccess: @Sendable (ArraySlice<UInt8>) -> Bool = AccessLogWriter.toStandardError

    public init(
      runtime: any ServedRuntime, prices: [any PriceCache], services: Set<Service> = Set(Service.allCases),
      incarnation: UInt64, version: String
    ) {
      self.runtime = runtime
      self.prices = prices
      self.services = services
      self.incarnation = incarnation
      self.version = version
    }
  }

  /// Opens the ports; nobody is answered before `start`.
  ///
  /// - Parameter sources: what the operator port shows besides what it gets from the servers: adds to the empty ones.
  /// - Throws: `HTTPServerFailure` if a port is unavailable, `KeyFileFailure` if API keys or the keys of tokens
  ///   cannot be read.
  public init(
    _ options: ServingOptions, lanes: ServerLanes, _ parts: Parts, sources extend: (inout OperatorSources) -> Void
  ) throws {
    self.lanes = lanes
    runtime = parts.runtime
    callers = try CallerSource(options)
    tlsFiles = options.tlsFiles
    accessLog = options.accessLog.map { AccessLogWriter($0, options.logFormat, write: parts.writeAccess) }
    let connections = ConnectionLedger(limits: options.http)
    self.connections = connections
    let listener = try HTTPListener(options.httpEndpoint, laneCount: lanes.serving.count, limits: options.http)
    let shared = LaneServer.Shared(
      options: options, parts: parts, listener: listener, ledger: connections,
      keys: KeyRegistry(expiryMilliseconds: options.runtime.rules.idempotencyExpiryMilliseconds),
      callers: callers?.known, accessLog: accessLog?.log)
    var metrics: [RequestMetrics] = []
    var servers: [LaneConfined<LaneServer>] = []
    for lane in lanes.serving {
      let server = try LaneServer(lane, shared)
      metrics.append(server.metrics)
      servers.append(LaneConfined(server, lane: lane))
    }
    self.servers = servers
    httpEndpoint = HTTPEndpoint(host: options.httpEndpoint.host, port: listener.boundPort)

    var sources = OperatorSources(
      version: parts.version, startedMilliseconds: WallClock.milliseconds, requests: metrics,
      server: { ServerFigures(of: connections) })
    sources.isLeaving = { [leaving] in leaving.isSet }
    sources.accessLog = accessLog?.log
    let journal = parts.journal ?? Log(level: .error, clock: { 0 }, write: { _ in })
    sources.reload = { [reloads] completion in reloads.run(journal, completion: completion) }
    extend(&sources)
    let operatorListener = try HTTPListener(options.operatorEndpoint, laneCount: 1, limits: options.operatorHTTP)
    let operatorLane = try OperatorLane(
      lane: lanes.operating, runtime: parts.runtime, listener: operatorListener, limits: options.operatorHTTP,
      sources: sources, incarnation: parts.incarnation, browsers: options.operatorBrowsers,
      callers: options.operatorAsksForKeys ? callers?.known : nil)
    self.operatorLane = LaneConfined(operatorLane, lane: lanes.operating)
    operatorEndpoint = HTTPEndpoint(host: options.operatorEndpoint.host, port: operatorListener.boundPort)
    for reload in parts.reloads { reloads.add(reload) }
    prepareReloads()
  }

  /// Starts the lanes.
  /// - Throws: `LaneFailure`, `ConfigurationError`; then all lanes have ended.
  public func start() throws {
    do {
      guard accessLog?.start() != false else {
        throw ConfigurationError("the system cannot start a thread for the access log")
      }
      for (lane, server) in zip(lanes.serving, servers) {
        let runtime = runtime
        lane.post {
          runtime.begin(lane: lane.index)
          server.value.begin()
        }
        try lane.start { server.value.turn() }
      }
      let operatorLane = operatorLane
      try lanes.operating.start { operatorLane.value.turn() }
    } catch {
      lanes.end()
      throw error
    }
  }

  /// Is no longer ready, and closes each connection with its next answer; takes new connections and requests as
  /// before.
  public func leave() {
    leaving.set()
    for (lane, server) in zip(lanes.serving, servers) { lane.post { server.value.http.leave() } }
  }

  /// Puts other API keys and keys of tokens in force, on each lane as soon as it gets to it.
  func replaceCallers(_ known: KnownCallers) {
    for (lane, server) in zip(lanes.serving, servers) {
      lane.post { if let gate = server.value.rest.callers { known.replace(in: gate) } }
    }
    let operatorLane = operatorLane
    lanes.operating.post { operatorLane.value.replaceCallers(known) }
  }

  /// Gives new connections of the API's port another certificate, on each lane as soon as it gets to it.
  func renew(_ certificate: TLSCertificate) {
    for (lane, server) in zip(lanes.serving, servers) { lane.post { server.value.http.renew(certificate) } }
  }

  /// Takes no new connections or commands, lets what is under way finish, lets the partitions end in order, and gives
  /// clients that keep connections `connectionsWait` to notice. Blocking.
  ///
  /// - Parameters:
  ///   - answersMilliseconds: how long requests under way may take.
  ///   - handoverMilliseconds: how long partitions are kept for other pods to take them over.
  ///   - closingMilliseconds: how long the partitions may take beyond that.
  public func drain(answersMilliseconds: Int64, handoverMilliseconds: Int64 = 0, closingMilliseconds: Int) {
    let drained = Gate()
    for (lane, server) in zip(lanes.serving, servers) { lane.post { server.value.http.stopAccepting() } }
    runtime.stop(
      answersMilliseconds: UInt64(clamping: answersMilliseconds),
      handoverMilliseconds: UInt64(clamping: handoverMilliseconds)
    ) { drained.open() }
    let millisecondsMax = max(answersMilliseconds, handoverMilliseconds)
    _ = drained.wait(milliseconds: Int(clamping: millisecondsMax) + closingMilliseconds)
    let until = ContinuousClock.now + Self.connectionsWait
    let look = Gate()
    while connections.openConnections > 0, ContinuousClock.now < until { _ = look.wait(milliseconds: 5) }
  }

  /// How long clients keep their connections once the partitions have ended: a request that crosses the end is refused,
  /// not cut off, and an idle connection is closed when it has been quiet for a while.
  static let connectionsWait = Duration.seconds(1)

  /// Closes the ports and ends the lanes, after what was posted to them. Blocking.
  public func close() {
    for (lane, server) in zip(lanes.serving, servers) { lane.post { server.value.close() } }
    let operatorLane = operatorLane
    lanes.operating.post { operatorLane.value.http.close() }
    lanes.end()
    accessLog?.end()
  }
}

/// Whether a server has been asked to leave; once set it stays set.
private final class LeavingFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  var isSet: Bool { flag.load(ordering: .acquiring) }
  func set() { flag.store(true, ordering: .releasing) }
}

extension ServerFigures {
  init(of ledger: ConnectionLedger) {
    self.init(
      connections: UInt64(clamping: ledger.openConnections), connectionsAccepted: ledger.acceptedConnections,
      connectionsRefused: ledger.refusedConnections, connectionsDisplaced: ledger.displacedConnections)
  }
}
