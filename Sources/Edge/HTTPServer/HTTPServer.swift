import Glibc
import Lanes
import Synchronization

/// The HTTP server of one lane: its share of the connections, on a libmicrohttpd daemon without threads. Lane-confined.
///
/// The lane's loop notices when the daemon has something to do; `run`, called in the lane's turn, does it. A request
/// that the handler does not answer immediately is suspended until `answer`; the next `run` sends a batch of answers.
///
/// The handler gets each request at most once, and each exchange ends once: answered, abandoned by its client, or
/// refused with 503 by `close`.
public final class HTTPServer {
  let lane: Lane
  let limits: HTTPLimits
  let ledger: ConnectionLedger
  let idle: IdleConnections
  let handler: any HTTPHandler
  let serverName: String?
  /// The `Keep-Alive` header of kept connections.
  let keepAlive: String
  let isTLS: Bool
  /// What new connections use instead of the certificate of the start.
  private(set) var certificate: TLSCertificate?
  let head: RequestHead
  var daemon: Daemon?

  private var socket: Int32
  private var watch: FileWatch?
  var isDue = true
  /// The handler got a request in the current run.
  var hasHandedOver = false

  /// Number of callbacks from the library.
  var callbackCount: UInt64 = 0
  /// How many runs in a row did nothing but asked to be followed by another immediately.
  private var fruitlessRuns = 0
  /// Ends the pause after fruitless runs.
  private var pause: LaneTimer?

  /// All open connections, and those whose request waits for its answer.
  var clients: [ClientConnection] = []
  var waiting: [UInt64: ClientConnection] = [:]
  /// Suspended while the library refuses a request of one of them.
  var suspects: [ClientConnection] = []
  /// Requests between their first line and the end of their answer.
  var requestsUnderWay = 0
  var isStopping = false
  /// Every answer closes its connection.
  var isLeaving = false
  /// Requests that still arrive are refused, not passed to the handler.
  var isClosing = false
  /// Counted by the ledger but not yet opened; and which bound it exceeds, if any.
  var admitted: (address: PeerAddress, surplus: ConnectionLedger.Bound?)?
  var tick: LaneTimer?
  var waitersLookedAt: UInt64 = 0

  /// Exchanges are numbered across all servers of the process.
  private static let serverCount = Atomic<UInt64>(0)
  private var lastExchange: UInt64

  /// An exchange's number has the server's ordinal above these bits, and its count of requests in them.
  static let exchangeBits: UInt64 = 52

  /// Starts listening on one of the listener's sockets. On the lane, or before its start.
  ///
  /// - Parameters:
  ///   - connections: counts the connections of all lanes of this listener.
  ///   - tls: if given, serves HTTPS only.
  ///   - serverName: the `Server` header of every answer; none if nil.
  /// - Throws: `HTTPServerFailure`: bad limits, bad certificate, system.
  public init(
    lane: Lane, listener: HTTPListener, limits: HTTPLimits = HTTPLimits(), tls: TLSMaterial? = nil,
    connections: ConnectionLedger, handler: any HTTPHandler, serverName: String? = nil
  ) throws(HTTPServerFailure) {
    try limits.check()
    guard let socket = listener.take() else {
      throw HTTPServerFailure(.system, "cannot start the HTTP server: more lanes than the listener was made for")
    }
    self.lane = lane
    self.limits = limits
    self.ledger = connections
    idle = connections.join()
    self.handler = handler
    self.serverName = serverName
    keepAlive = "timeout=\(limits.idleMilliseconds / 1_000)"
    self.socket = socket
    isTLS = tls != nil
    head = RequestHead(headersMax: HTTPLimits.headersMax)
    let ordinal = HTTPServer.serverCount.add(1, ordering: .relaxed).newValue
    lastExchange = (ordinal & 0xff) << HTTPServer.exchangeBits
    do {
      let daemon = try Daemon(self, socket: socket, limits: limits, tls: tls)
      self.daemon = daemon
      watch = try lane.watch(daemon.descriptor, for: .readable) { [unowned self] _ in isDue = true }
    } catch {
      close()
      throw error as? HTTPServerFailure ?? HTTPServerFailure(.system, "cannot start the HTTP server: \(error)")
    }
  }

  // MARK: The lane's turn

  /// Performs all input and output that is ready. Costs nothing if there is none.
  ///
  /// - Returns: whether there is more to do before the lane sleeps: something is already ready for which the loop would
  ///   not wake the lane, or the handler got requests. So a turn runs the server, does its work, and runs the server
  ///   again for the answers; the result of the last run decides whether another turn follows immediately.
  public func run() -> Bool {
    guard isDue, let daemon else { return false }
    isDue = false
    hasHandedOver = false
    let before = callbackCount
    // An answer is queued in the first round and sent in the second.
    let isMore = runOnce(daemon) && runOnce(daemon)
    fruitlessRuns = isMore && callbackCount == before ? fruitlessRuns + 1 : 0
    if fruitlessRuns > HTTPServer.fruitlessRunsMax {
      pauseRuns()
    } else {
      // Keep what a callback set in the meantime.
      isDue = isDue || isMore
    }
    releaseUnopened()
    return isDue || hasHandedOver
  }

  private func runOnce(_ daemon: Daemon) -> Bool {
    defer { settleSuspects() }
    return daemon.run()
  }

  /// A connection whose memory is filled by the beginning of a chunk (its size line does not end) cannot be read
  /// further, and the library would be run for it again and again until its time is up. Others do not wait: the
  /// descriptor reports them.
  private func pauseRuns() {
    guard pause == nil else { return }
    pause = lane.after(milliseconds: HTTPServer.pauseMilliseconds) { [unowned self] in
      pause = nil
      isDue = true
    }
  }

  /// Long answers over TLS need this many runs, one per record.
  static let fruitlessRunsMax = 64
  static let pauseMilliseconds: UInt64 = 5

  /// Answers a request that `HTTPHandler.respond` left open; the next `run` sends it. An unknown exchange, for example
  /// because its client left, is ignored.
  public func answer(_ exchange: ExchangeID, _ response: HTTPResponse) {
    guard let client = waiting.removeValue(forKey: exchange.number) else { return }
    send(response, to: client)
    resume(client)
  }

  /// Lets the daemon continue with a suspended connection in the next `run`.
  func resume(_ client: ClientConnection) {
    client.resumeInDaemon()
    isDue = true
  }

  // MARK: State

  /// Connections of this lane.
  public var openConnections: Int { clients.count }

  /// Requests waiting for the handler's answer.
  public var waitingRequests: Int { waiting.count }

  /// No request is being received, waits, or is being answered.
  public var isIdle: Bool { requestsUnderWay == 0 }

  func nextExchange() -> UInt64 {
    lastExchange += 1
    return lastExchange
  }

  /// New connections use another certificate; those that are open keep theirs. Only for a server with TLS.
  public func renew(_ certificate: TLSCertificate) { self.certificate = certificate }

  // MARK: The end

  /// From now on every answer closes its connection; new connections are accepted as before. So clients that keep
  /// connections move to another server before this one stops.
  public func leave() { isLeaving = true }

  /// Accepts no further connections. Idle ones are closed gradually, the others after their next answer.
  public func stopAccepting() {
    guard !isStopping else { return }
    isStopping = true
    daemon?.quiesce()
    closeSocket()
    tick?.cancel()
    tick = nil
    startTick()
  }

  /// Refuses what still waits with 503, closes all connections, and frees the daemon. For the end of the lane.
  public func close() {
    stopAccepting()
    isClosing = true
    for number in Array(waiting.keys) {
      guard let client = waiting.removeValue(forKey: number) else { continue }
      handler.abandoned(ExchangeID(number: number))
      send(handler.refusal(status: 503, detail: "The server is shutting down."), to: client)
      resume(client)
    }
    // The library requires that no connection is suspended when it stops; two rounds also send the answers.
    if let daemon { _ = (runOnce(daemon), runOnce(daemon)) }
    letGo()
  }

  /// A server that never served, because something else failed to start, is not closed.
  deinit {
    letGo()
    closeSocket()
  }

  /// Releases the daemon and what the loop holds.
  private func letGo() {
    watch?.close()
    watch = nil
    tick?.cancel()
    tick = nil
    pause?.cancel()
    pause = nil
    daemon?.stop()
    daemon = nil
    releaseUnopened()
  }

  private func closeSocket() {
    guard socket >= 0 else { return }
    Glibc.close(socket)
    socket = -1
  }
}
