import Foundation
import Glibc
import Synchronization

/// A request as the test server sees it.
struct TestRequest {
  /// The path's segments.
  var path: [String]
  var key: String?
}

/// What the test server does with a request.
enum TestAnswer {
  case answer(Int, String, headers: [String] = [])
  /// Sends these bytes, whatever they are.
  case raw([UInt8])
  /// Closes the connection without a word.
  case hangUp
}

/// A server with one thread a connection, on a free port of 127.0.0.1; the handler runs under one lock, so a handler
/// that sleeps stalls everybody, like a server whose only lane is stuck.
final class TestServer: Sendable {
  let port: UInt16
  private let listener: Int32
  private let handler: @Sendable (TestRequest) -> TestAnswer
  private let turn = Mutex(())
  private let open = Mutex<Set<Int32>>([])

  init(_ handler: @escaping @Sendable (TestRequest) -> TestAnswer) {
    self.handler = handler
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        precondition(bind(listener, generic, length) == 0 && listen(listener, 1_024) == 0)
        precondition(getsockname(listener, generic, &length) == 0)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in accept() }
  }

  var url: String { "http://127.0.0.1:\(port)" }

  /// Ends the listener and all connections.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    open.withLock { open in
      for connection in open { shutdown(connection, Int32(SHUT_RDWR)) }
    }
  }

  private func accept() {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      if connection < 0 { break }
      open.withLock { _ = $0.insert(connection) }
      Thread.detachNewThread { [self] in
        serve(connection)
        open.withLock { _ = $0.remove(connection) }
        close(connection)
      }
    }
    close(listener)
  }

  private func serve(_ connection: Int32) {
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
      while let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
        let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
        received.removeSubrange(..<end.upperBound)
        guard let request = Self.parse(head) else { return }
        switch turn.withLock({ _ in handler(request) }) {
        case .hangUp: return
        case .raw(let bytes): guard send(connection, bytes) else { return }
        case .answer(let status, let body, let headers):
          let lines = ["HTTP/1.1 \(status) X", "content-length: \(body.utf8.count)"] + headers + ["", body]
          guard send(connection, Array(lines.joined(separator: "\r\n").utf8)) else { return }
        }
      }
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return }
      received += chunk[..<count]
    }
  }

  private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { rest in
        Glibc.send(connection, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  private static func parse(_ head: String) -> TestRequest? {
    let lines = head.components(separatedBy: "\r\n")
    let words = (lines.first ?? "").split(separator: " ")
    guard words.count == 3 else { return nil }
    let key = lines.first { $0.hasPrefix("Idempotency-Key: ") }.map { String($0.dropFirst(17)) }
    return TestRequest(path: words[1].split(separator: "/").map(String.init), key: key)
  }
}

/// Runs blocking work on a thread of its own, so that the tests' cooperative threads stay free.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}

/// Counts from 0.
final class Counter: Sendable {
  private let value = Mutex(0)
  func next() -> Int {
    value.withLock { value in
      value += 1
      return value - 1
    }
  }
}

/// A flag that threads share.
final class Flag: Sendable {
  private let value = Mutex(false)
  var isUp: Bool {
    get { value.withLock { $0 } }
    set { value.withLock { $0 = newValue } }
  }
}
