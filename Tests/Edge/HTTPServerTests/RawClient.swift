import Glibc

/// A TCP connection on which a test sends bytes.
final class RawClient {
  private(set) var socket: Int32
  /// The server has closed its side, or the connection was reset.
  private(set) var isClosed = false
  var received: [UInt8] = []

  init?(port: UInt16, receiveBufferBytes: Int32 = 0) {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if receiveBufferBytes > 0 {
      var bytes = receiveBufferBytes
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, 4)
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // `deinit` closes the socket, also now: a second time would be somebody else's.
    guard status == 0 else { return nil }
  }

  deinit { close() }

  func close() {
    if socket >= 0 { Glibc.close(socket) }
    socket = -1
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { return false }
      sent += count
    }
    return true
  }

  /// Reads what comes within a time. Returns false when nothing came.
  @discardableResult
  func receive(milliseconds: Int32) -> Bool {
    guard !isClosed else { return false }
    var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard poll(&polled, 1, milliseconds) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(socket, &buffer, buffer.count, 0)
    if count <= 0 { isClosed = true } else { received += buffer[..<count] }
    return count > 0
  }

  /// Reads until the server closes. Returns false when it does not within the time.
  func receiveUntilClosed(milliseconds: Int = 5_000) -> Bool {
    let deadline = RawClient.now + milliseconds
    while !isClosed, RawClient.now < deadline { receive(milliseconds: 20) }
    return isClosed
  }

  /// The next complete answer.
  func answer(milliseconds: Int = 5_000) -> Answer? {
    let deadline = RawClient.now + milliseconds
    while true {
      if let (answer, length) = Answer.parse(received) {
        received.removeFirst(length)
        return answer
      }
      if isClosed || RawClient.now >= deadline { return nil }
      receive(milliseconds: 20)
    }
  }

  static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
  }
}

/// An answer as it was read off the wire.
struct Answer: Equatable {
  var status: Int
  var head: String
  var body: String

  static func parse(_ bytes: [UInt8]) -> (Answer, length: Int)? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) }) else { return nil }
    let head = String(decoding: bytes[..<end], as: UTF8.self)
    guard text.hasPrefix("HTTP/1.1 "), let status = Int(text.dropFirst(9).prefix(3)) else { return nil }
    var length = 0
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
      length = Int(line.dropFirst(16)) ?? 0
    }
    if status < 200 { length = 0 }
    guard bytes.count >= end + 4 + length else { return nil }
    let body = String(decoding: bytes[(end + 4)..<(end + 4 + length)], as: UTF8.self)
    return (Answer(status: status, head: head, body: body), end + 4 + length)
  }

  var closes: Bool { head.contains("Connection: close") }
}
