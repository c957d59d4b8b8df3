import CMicroHTTPD
import Glibc

/// Owns a libmicrohttpd daemon in external mode: it has no threads, and one epoll descriptor to watch. The callbacks
/// reach the server through an unowned pointer, so `stop` the daemon before the server is freed.
final class Daemon {
  private var daemon: OpaquePointer?
  private let log: UnsafeMutablePointer<kassa_daemon_log>
  /// Readable when the daemon has something to do.
  let descriptor: Int32

  /// - Parameter socket: a listening socket; remains the caller's.
  init(
    _ server: HTTPServer, socket: Int32, limits: HTTPLimits, tls: TLSMaterial?
  ) throws(HTTPServerFailure) {
    let log = UnsafeMutablePointer<kassa_daemon_log>.allocate(capacity: 1)
    log.initialize(to: kassa_daemon_log())
    log.pointee.context = Unmanaged.passUnretained(server).toOpaque()
    log.pointee.refuses = { context in Daemon.server(context)?.libraryRefuses() }
    self.log = log
    log.pointee.is_open = 1
    var settings = kassa_daemon_settings()
    settings.flags = MHD_USE_EPOLL.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue | MHD_USE_ERROR_LOG.rawValue
    if tls != nil { settings.flags |= MHD_USE_TLS.rawValue }
    settings.socket = socket
    settings.memory_bytes = limits.connectionBytes
    // The ledger refuses before this bound is reached; the library would make further clients wait.
    settings.connections_max = UInt32(limits.connectionsMax + ConnectionLedger.surplusMax + 64)
    settings.context = Unmanaged.passUnretained(server).toOpaque()
    Daemon.setCallbacks(&settings)
    // C strings end with NUL; the library copies them.
    let started = Daemon.withText(tls?.certificate) { certificate in
      Daemon.withText(tls?.key) { key in
        TLSMaterial.priorities.withCString { priorities in
          settings.certificate = certificate
          settings.key = key
          settings.priorities = priorities
          return kassa_daemon_start(&settings, log)
        }
      }
    }
    log.pointee.is_open = 0
    guard let started else {
      let said = withUnsafeBytes(of: log.pointee.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      log.deallocate()
      let reason = said.isEmpty ? String(cString: strerror(errno)) : said.filter { $0 != "\n" }
      throw tls == nil
        ? HTTPServerFailure(.system, "cannot start the HTTP server: \(reason)")
        : HTTPServerFailure(.badCertificate, "cannot use the certificate and its key: \(reason)")
    }
    daemon = started
    descriptor = kassa_daemon_epoll(started)
  }

  deinit {
    precondition(daemon == nil, "the HTTP server was not closed")
    log.deallocate()
  }

  private static func withText<Result>(_ bytes: [UInt8]?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let bytes else { return body(nil) }
    return (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { body($0.baseAddress) }
  }

  /// Performs what is ready. Returns whether more is already ready: the library keeps such connections in its own list,
  /// and its descriptor does not become readable for them.
  func run() -> Bool {
    guard let daemon else { return false }
    _ = MHD_run(daemon)
    var milliseconds: UInt64 = 0
    return MHD_get_timeout(daemon, &milliseconds) == .YES && milliseconds == 0
  }

  /// Accepts no further connections; the caller closes the listening socket.
  func quiesce() {
    if let daemon { _ = MHD_quiesce_daemon(daemon) }
  }

  /// Closes all connections; none may be suspended.
  func stop() {
    guard let daemon else { return }
    self.daemon = nil
    MHD_stop_daemon(daemon)
  }

  // MARK: Callbacks

  private static func server(_ context: UnsafeMutableRawPointer?) -> HTTPServer? {
    guard let context else { return nil }
    let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
    server.callbackCount &+= 1
    return server
  }

  private static func client(_ context: UnsafeMutableRawPointer?) -> ClientConnection? {
    context.map { Unmanaged<ClientConnection>.fromOpaque($0).takeUnretainedValue() }
  }

  private static func setCallbacks(_ settings: inout kassa_daemon_settings) {
    settings.admit = { context, address, _ in Daemon.server(context)?.admit(address) == true ? .YES : .NO }
    settings.connect = { context, connection, socketContext, event in
      guard let connection, let server = Daemon.server(context) else { return }
      switch event {
      case .CONNECTION_NOTIFY_STARTED:
        // Released when the connection is closed.
        socketContext?.pointee = Unmanaged.passRetained(server.opened(connection)).toOpaque()
      case .CONNECTION_NOTIFY_CLOSED:
        guard let opaque = socketContext?.pointee else { return }
        socketContext?.pointee = nil
        server.closed(Unmanaged<ClientConnection>.fromOpaque(opaque).takeRetainedValue())
      default: break
      }
    }
    // The returned value is the request's context in the callbacks below.
    settings.start = { context, target, connection in
      guard let connection, let opaque = kassa_connection_context(connection) else { return nil }
      if let client = Daemon.client(opaque) { Daemon.server(context)?.started(client, target) }
      return opaque
    }
    settings.handle = { context, connection, _, method, version, data, dataCount, requestContext in
      guard let server = Daemon.server(context), let client = Daemon.client(requestContext?.pointee) else {
        return .NO
      }
      let goesOn: Bool
      if let dataCount, dataCount.pointee > 0 {
        goesOn = server.received(client, dataCount.pointee)
        dataCount.pointee = 0
      } else if client.phase == .receiving {
        goesOn = server.headArrived(client, method, version)
      } else {
        goesOn = server.requestArrived(client, method)
      }
      return goesOn ? .YES : .NO
    }
    settings.complete = { context, _, requestContext, _ in
      guard let client = Daemon.client(requestContext?.pointee) else { return }
      requestContext?.pointee = nil
      Daemon.server(context)?.completed(client)
    }
  }
}
