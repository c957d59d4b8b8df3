import Glibc
import Settings
import Synchronization
import TestSupport
import Testing

@testable import OperatorClient

/// Accepts one connection, says something, and closes it when it is told to end.
private final class OneAnswer: Sendable {
  let endpoint: Endpoint
  private let descriptor: Int32
  private let thread = Mutex<pthread_t?>(nil)

  /// - Parameter answer: nil: it never answers.
  init(_ answer: String?) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 8) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    try #require(isOpen)
    endpoint = Endpoint(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
    guard let answer else { return }
    var started = pthread_t()
    let words = Unmanaged.passRetained(Words(descriptor, answer))
    pthread_create(
      &started, nil,
      { raw in
        guard let raw else { return nil }
        let words = Unmanaged<Words>.fromOpaque(raw).takeRetainedValue()
        let connection = accept(words.descriptor, nil, nil)
        var request = [UInt8](repeating: 0, count: 4_096)
        _ = recv(connection, &request, request.count, 0)
        let bytes = Array(words.answer.utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        close(connection)
        return nil
      }, words.toOpaque())
    thread.withLock { $0 = started }
  }

  deinit {
    if let started = thread.withLock({ $0 }) { pthread_join(started, nil) }
    close(descriptor)
  }

  private final class Words {
    let descriptor: Int32
    let answer: String
    init(_ descriptor: Int32, _ answer: String) {
      self.descriptor = descriptor
      self.answer = answer
    }
  }
}

@Suite struct OperatorClientTests {
  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 200, "hi"),
    ("HTTP/1.1 404 No\r\nA: b\r\nContent-Length:0\r\n\r\n", 404, ""),
  ])
  func answers(_ text: String, _ status: Int, _ body: String) throws {
    let server = try OneAnswer(text)
    let answer = try OperatorClient().get("/x", from: [server.endpoint])[0].get()
    #expect(answer.status == status && answer.body == Array(body.utf8))
  }

  @Test(arguments: [
    ("", "it closed the connection before it answered"),
    ("HTTP/1.1 200", "it closed the connection before it answered"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", "it closed the connection in the middle of its answer"),
    ("SSH-2.0-OpenSSH\r\n", "its answer is not from an operator port"),
    ("HTTP/1.1 200 OK\r\n\r\nhi", "its answer is not from an operator port"),
    ("HTTP/1.1 700 OK\r\nContent-Length: 0\r\n\r\n", "its answer is not from an operator port"),
    ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "its answer is not from an operator port"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "its answer is not from an operator port"),
  ])
  func whatIsNoAnswer(_ text: String, _ reason: String) throws {
    let server = try OneAnswer(text)
    #expect(throws: OperatorFailure(reason)) { try OperatorClient().get("/x", from: [server.endpoint])[0].get() }
  }

  @Test func manyAtOnceWaitForTheSlowestOnly() throws {
    var client = OperatorClient()
    client.timeoutMilliseconds = 200
    let silent = try OneAnswer(nil)
    let speaking = try OneAnswer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    let nobody = Endpoint(host: "127.0.0.1", port: try #require(StablePort.find()))
    let clock = ContinuousClock()
    let start = clock.now
    let silents = Array(repeating: silent.endpoint, count: 6)
    let results = client.get("/x", from: silents + [speaking.endpoint, nobody])
    #expect(clock.now - start < .seconds(1))
    #expect(results[..<6].allSatisfy { $0 == .failure(OperatorFailure("no answer within 200 ms")) })
    #expect(results[6] == .success(OperatorAnswer(status: 200, body: [])))
    #expect(results[7] == .failure(OperatorFailure("Connection refused")))
  }

  @Test func anUnknownHost() {
    let endpoint = Endpoint(host: "no-such-host.invalid", port: 1)
    guard case .failure(let failure) = OperatorClient().get("/x", from: [endpoint])[0] else {
      Issue.record("it answered")
      return
    }
    #expect(failure.description.hasPrefix("its host is unknown: "), "\(failure)")
  }

  @Test func whoeverIsAskedFirstHasToAnswer() throws {
    let nobody = Endpoint(host: "127.0.0.1", port: try #require(StablePort.find()))
    #expect(throws: OperatorFailure("\(nobody) reports no partitions: Connection refused")) {
      try PartitionOverview(asking: nobody, OperatorClient())
    }
  }
}
