import Glibc
import HTTPServer
import Synchronization
import Testing
import Lanes

/// What threads have got.
private final class Gained: Sendable {
  let listeners = Mutex<[HTTPListener]>([])
}

@Suite struct ListenerTests {
  private func failure(_ host: String, _ port: UInt16) -> HTTPServerFailure? {
    do throws(HTTPServerFailure) {
      _ = try HTTPListener(HTTPEndpoint(host: host, port: port), laneCount: 2, limits: HTTPLimits())
    } catch { return error }
    return nil
  }

  @Test func addressesThatCannotBeHadAreNamed() throws {
    let listener = try HTTPListener(HTTPEndpoint(host: "127.0.0.1", port: 0), laneCount: 2, limits: HTTPLimits())
    #expect(listener.boundPort > 0)
    let inUse = try #require(failure("127.0.0.1", listener.boundPort))
    #expect(inUse.code == .addressInUse)
    #expect(
      inUse.message == "cannot listen on 127.0.0.1:\(listener.boundPort): Address already in use; "
        + "end the process that listens there, or choose another port")
    #expect(failure("no-such-host.invalid", 0)?.code == .unknownHost)
    #expect(failure("203.0.113.1", 0)?.code == .unknownHost)
    if geteuid() != 0 { #expect(failure("127.0.0.1", 1)?.code == .noPermission) }
  }

  /// Of several that want a port at the same moment one gets it: none shares it with another.
  @Test func oneOfManyGetsAPort() throws {
    for _ in 0..<20 {
      // On an address that no other test listens on: nobody else gets the port once it is free again.
      let free = HTTPEndpoint(host: "127.7.0.1", port: 0)
      let port = try HTTPListener(free, laneCount: 1, limits: HTTPLimits()).boundPort
      let endpoint = HTTPEndpoint(host: free.host, port: port)
      let gained = Gained()
      let threads = (0..<4).compactMap { _ in
        BackgroundThread("listens") {
          if let listener = try? HTTPListener(endpoint, laneCount: 2, limits: HTTPLimits()) {
            gained.listeners.withLock { $0.append(listener) }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(gained.listeners.withLock(\.count) == 1)
    }
  }

  @Test func socketsAreHandedOutOnce() throws {
    var listener: HTTPListener? = try HTTPListener(
      HTTPEndpoint(host: "localhost", port: 0), laneCount: 2, limits: HTTPLimits())
    let port = try #require(listener?.boundPort)
    listener = nil
    // The port is free again as soon as the sockets are closed.
    #expect(failure("localhost", port) == nil)
  }

  @Test(arguments: ["127.0.0.1", "::1", "localhost", "0.0.0.0"]) func hostsOfLoopbackWork(_ host: String) throws {
    guard host != "::1" || hasIPv6() else { return }
    let server = try TestServer(host: host)
    defer { server.end() }
    guard host != "::1" else { return }
    let client = try #require(RawClient(port: server.port))
    client.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(client.answer()?.body == "now")
  }

  /// Containers often have none.
  private func hasIPv6() -> Bool { failure("::1", 0) == nil }

  @Test func endpointsAreReadAndWritten() {
    let table: [(String, HTTPEndpoint?)] = [
      ("127.0.0.1:8000", HTTPEndpoint(host: "127.0.0.1", port: 8000)),
      ("[::1]:0", HTTPEndpoint(host: "::1", port: 0)),
      ("localhost:65535", HTTPEndpoint(host: "localhost", port: 65_535)),
      ("localhost", nil), (":8000", nil), ("::1:8000", nil), ("a:65536", nil), ("a:-1", nil), ("a:", nil), ("", nil),
    ]
    for (text, endpoint) in table {
      #expect(HTTPEndpoint(text) == endpoint, "\(text)")
      if let endpoint { #expect(endpoint.description == text) }
    }
  }
}
