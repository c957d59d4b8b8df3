import Glibc
import Settings

/// One GET, from its socket to the answer. Owns the socket; confined to one thread.
///
/// ```
/// connecting ──► sending ──► receiving ──► result
///   └── the host's next address, as long as there is one
/// ```
final class OperatorCall {
  private enum State { case connecting, sending, receiving }

  /// nil until it is known.
  private(set) var result: Result<OperatorAnswer, OperatorFailure>?

  private var state = State.connecting
  private var descriptor: Int32 = -1
  /// The host's addresses not tried yet.
  private var addresses: [(family: Int32, bytes: [UInt8])] = []
  private var request: [UInt8]
  private var received: [UInt8] = []
  private var chunk = [UInt8](repeating: 0, count: 64 << 10)

  init(_ path: String, at endpoint: Endpoint, apiKey: String?) {
    let key = apiKey.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    request = Array("GET \(path) HTTP/1.1\r\nHost: \(endpoint)\r\n\(key)Connection: close\r\n\r\n".utf8)
    lookUp(endpoint)
    if result == nil { connectToNext(because: "it has no address") }
  }

  deinit { close() }

  /// What `poll` must watch.
  var watched: pollfd {
    pollfd(fd: descriptor, events: Int16(state == .receiving ? POLLIN : POLLOUT), revents: 0)
  }

  /// Does what can be done without waiting.
  func go() {
    if state == .connecting { finishConnecting() }
    if state == .sending, result == nil { send() }
    if state == .receiving, result == nil { receive() }
  }

  private func end(_ result: Result<OperatorAnswer, OperatorFailure>) {
    self.result = result
    close()
  }

  private func fail(_ reason: String) { end(.failure(OperatorFailure(reason))) }

  private func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
  }

  // MARK: Connecting

  private func lookUp(_ endpoint: Endpoint) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &found)
    guard code == 0 else { return fail("its host is unknown: \(String(cString: gai_strerror(code)))") }
    defer { freeaddrinfo(found) }
    var next = found
    while let address = next?.pointee {
      let bytes = UnsafeRawBufferPointer(start: address.ai_addr, count: Int(address.ai_addrlen))
      addresses.append((address.ai_family, Array(bytes)))
      next = address.ai_next
    }
  }

  private func connectToNext(because reason: String) {
    close()
    guard !addresses.isEmpty else { return fail(reason) }
    let address = addresses.removeFirst()
    state = .connecting
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(address.family, type, 0)
    guard descriptor >= 0 else { return connectToNext(because: text(of: errno)) }
    let code = address.bytes.withUnsafeBytes { bytes in
      connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    if code != 0, errno != EINPROGRESS { connectToNext(because: text(of: errno)) }
  }

  private func finishConnecting() {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0, error == 0 else {
      return connectToNext(because: text(of: error))
    }
    state = .sending
  }

  // MARK: Asking

  private func send() {
    while !request.isEmpty {
      let count = Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
      if count > 0 {
        request.removeFirst(count)
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        return fail(text(of: errno))
      }
    }
    state = .receiving
  }

  private func receive() {
    while result == nil {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count > 0 {
        received += chunk.prefix(count)
        if received.count > OperatorClient.answerBytesMax { return fail("its answer is too long") }
        read(isAtEnd: false)
      } else if count == 0 {
        return read(isAtEnd: true)
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        return fail(text(of: errno))
      }
    }
  }

  /// Takes the answer once it is complete.
  private func read(isAtEnd: Bool) {
    switch AnswerHead.parse(received) {
    case .malformed: fail("its answer is not from an operator port")
    case .incomplete: if isAtEnd { fail("it closed the connection before it answered") }
    case .head(let status, let body):
      guard received.count >= body.upperBound else {
        if isAtEnd { fail("it closed the connection in the middle of its answer") }
        return
      }
      end(.success(OperatorAnswer(status: status, body: Array(received[body]))))
    }
  }

  private func text(of code: Int32) -> String { String(cString: strerror(code)) }
}

/// The head of an answer: HTTP/1.1 with a `Content-Length`, the only kind an operator port sends.
enum AnswerHead: Hashable {
  case incomplete
  case malformed
  case head(status: Int, body: Range<Int>)

  /// A longer one is malformed.
  static let bytesMax = 16 << 10

  static func parse(_ bytes: [UInt8]) -> AnswerHead {
    let window = bytes.prefix(bytesMax)
    guard window.starts(with: "HTTP/1.".utf8.prefix(window.count)) else { return .malformed }
    guard let end = window.indices.first(where: { window[$0...].starts(with: [13, 10, 13, 10]) }) else {
      return bytes.count < bytesMax ? .incomplete : .malformed
    }
    let lines = String(decoding: window[..<end], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, let status = Int(words[1]), (200...599).contains(status) else { return .malformed }
    let lengths = lines.dropFirst().compactMap { line -> Substring? in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
      return parts[1].drop { $0 == " " || $0 == "\t" }
    }
    guard lengths.count == 1, let length = Int(lengths[0]), (0...OperatorClient.answerBytesMax).contains(length) else {
      return .malformed
    }
    return .head(status: status, body: (end + 4)..<(end + 4 + length))
  }
}
