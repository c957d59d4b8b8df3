import HTTPServer
import Lanes
import TestSupport
import Testing

@Suite struct LaneShareTests {
  /// Lane-confined. `@unchecked Sendable` is safe: filled before the lane starts, then used on the lane only.
  private final class Content: @unchecked Sendable {
    var handler: TestHandler?
    var server: HTTPServer?
  }

  private func start(_ lane: Lane, _ listener: HTTPListener, _ ledger: ConnectionLedger) throws -> Content {
    let content = Content()
    let handler = TestHandler(lane)
    let server = try HTTPServer(lane: lane, listener: listener, connections: ledger, handler: handler)
    handler.server = server
    content.handler = handler
    content.server = server
    try lane.start { content.server?.run() ?? false }
    return content
  }

  @Test func lanesShareAPortAndALedger() throws {
    let limits = HTTPLimits()
    let listener = try HTTPListener(HTTPEndpoint(host: "127.0.0.1", port: 0), laneCount: 2, limits: limits)
    let ledger = ConnectionLedger(limits: limits)
    let lanes = [try Lane(index: 0), try Lane(index: 1)]
    let contents = try lanes.map { try start($0, listener, ledger) }
    #expect(throws: HTTPServerFailure.self) {
      let lane = try Lane(index: 2)
      _ = try HTTPServer(lane: lane, listener: listener, connections: ledger, handler: TestHandler(lane))
    }
    let clients = try (0..<40).map { _ in try #require(RawClient(port: listener.boundPort)) }
    for _ in 0..<5 {
      for client in clients { client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n") }
      for client in clients { #expect(client.answer()?.body == "later") }
    }
    #expect(ledger.openConnections == 40)
    let open = Tallies()
    for (lane, content) in zip(lanes, contents) {
      lane.post {
        open.add(content.server?.openConnections ?? 0)
        content.server?.close()
        content.server = nil
        content.handler = nil
      }
      lane.stop()
      lane.join()
    }
    // The kernel spreads them; that one lane gets all of 40 does not happen.
    #expect(open.values.reduce(0, +) == 40)
    #expect(open.values.allSatisfy { $0 > 0 })
    #expect(ledger.openConnections == 0)
  }

  private final class Tallies: Sendable {
    private let content = Guarded<[Int]>([])
    func add(_ value: Int) { content.withLock { $0.append(value) } }
    var values: [Int] { content.withLock { $0 } }
  }
}
