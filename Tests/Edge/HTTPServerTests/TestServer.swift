import Glibc
import HTTPServer
import Lanes
import Synchronization
import TestSupport

/// What a test reads of a lane's server from outside.
struct ServerState: Sendable {
  var openConnections = 0
  var waitingRequests = 0
  var isIdle = true
  var abandoned = 0
  var responded = 0
}

/// A handler with a few paths:
/// `/now` is answered at once, `/later` after a millisecond, `/never` not at all; `/echo` gives back method, path,
/// query, body and the header `X-Echo`; `/big` is four million bytes. Lane-confined.
final class TestHandler: HTTPHandler {
  weak var server: HTTPServer?
  let lane: Lane
  var state = ServerState()
  init(_ lane: Lane) { self.lane = lane }

  func respond(to request: borrowing HTTPRequest, as exchange: ExchangeID) -> HTTPResponse? {
    state.responded += 1
    let path = String(decoding: request.path, as: UTF8.self)
    switch path {
    case "/now": return HTTPResponse(status: 200, body: Array("now".utf8))
    case "/big": return HTTPResponse(status: 200, body: Array(repeating: 0x78, count: 4_000_000))
    case "/never": return nil
    case "/echo":
      let text =
        "\(request.method) \(path) \(String(decoding: request.query, as: UTF8.self)) "
        + "\(request.bodyByteCount) "
        + "\(request.headerCount("x-echo")) \(request.header("X-ECHO") ?? "-")"
      return HTTPResponse(
        status: 200, contentType: "text/plain", body: Array(text.utf8),
        headers: [("X-Kassa", "a"), ("X-Bad", "b\r\nc: d")])
    case "/later":
      lane.after(milliseconds: 1) { [weak self] in
        self?.server?.answer(exchange, HTTPResponse(status: 200, body: Array("later".utf8)))
      }
      return nil
    default: return HTTPResponse(status: 404, body: Array(path.utf8))
    }
  }

  func abandoned(_ exchange: ExchangeID) { state.abandoned += 1 }

  func refusal(status: UInt16, detail: StaticString) -> HTTPResponse {
    HTTPResponse(
      status: status, contentType: "application/problem+json", body: Array("{\"detail\":\"\(detail)\"}".utf8))
  }
}

/// A server on one lane for one test. `end` it.
final class TestServer: Sendable {
  /// Lane-confined. `@unchecked Sendable` is safe: it is filled before the lane starts and then used on the lane only.
  private final class Content: @unchecked Sendable {
    var handler: TestHandler?
    var server: HTTPServer?
  }

  let lane: Lane
  let port: UInt16
  let ledger: ConnectionLedger
  private let content = Content()
  /// Turns that the lane has taken.
  let turns = Guarded(0)

  init(
    _ limits: HTTPLimits = HTTPLimits(), host: String = "127.0.0.1", tls: TLSMaterial? = nil
  ) throws {
    let listener = try HTTPListener(HTTPEndpoint(host: host, port: 0), laneCount: 1, limits: limits)
    let lane = try Lane(index: 0)
    self.lane = lane
    port = listener.boundPort
    ledger = ConnectionLedger(limits: limits)
    let handler = TestHandler(lane)
    let server = try HTTPServer(
      lane: lane, listener: listener, limits: limits, tls: tls, connections: ledger, handler: handler)
    handler.server = server
    content.handler = handler
    content.server = server
    try lane.start { [content, turns] in
      turns.withLock { $0 += 1 }
      return content.server?.run() ?? false
    }
  }

  func onLane(_ work: @escaping @Sendable (HTTPServer) -> Void) {
    lane.post { [content] in if let server = content.server { work(server) } }
  }

  var state: ServerState {
    let result = Mutex<ServerState?>(nil)
    let box = StateBox(result)
    lane.post { [content] in
      var state = content.handler?.state ?? ServerState()
      state.openConnections = content.server?.openConnections ?? 0
      state.waitingRequests = content.server?.waitingRequests ?? 0
      state.isIdle = content.server?.isIdle ?? true
      box.set(state)
    }
    _ = eventually { box.get != nil }
    return box.get ?? ServerState()
  }

  private final class StateBox: Sendable {
    private let state: Mutex<ServerState?>
    init(_ state: consuming Mutex<ServerState?>) { self.state = state }
    func set(_ value: ServerState) { state.withLock { $0 = value } }
    var get: ServerState? { state.withLock { $0 } }
  }

  /// Closes the server and joins its lane.
  func end() {
    lane.post { [content] in
      content.server?.close()
      content.server = nil
      content.handler = nil
    }
    lane.stop()
    lane.join()
  }
}
