import Glibc

/// One keep-alive connection with at most one call under way. Owns its socket and its buffer; confined to one thread.
///
/// ```
/// closed ──open──► connecting ──► idle ◄──► waiting
///   ▲                  │           │          │
///   └──────────────────┴───────────┴──────────┘
/// ```
/// A call to be repeated stays with its connection while that is closed and reopened.
final class ClientConnection {
  enum State {
    /// No socket; it is reopened at `reopensAt`.
    case closed
    case connecting
    case idle
    /// A request has been sent, in part or as a whole.
    case waiting
  }

  /// The result of reading from the socket.
  enum Reading {
    case incomplete
    case answer(Answer)
    case malformed
    case ended
  }

  let index: Int
  fileprivate(set) var state = State.closed
  var reopensAt: Int64 = 0
  /// Consecutive failures to open or keep it.
  var failuresInRow = 0

  /// The call under way or to be repeated; nil if the connection is free.
  var call: Call?
  /// The bytes of that call's request.
  var request: [UInt8] = []
  /// When the call should have started.
  var intended: Int64 = 0
  var deadline: Int64 = 0
  var tries = 0
  /// When a call to be repeated may be sent again; 0 if it is under way.
  var repeatsAt: Int64 = 0

  private var descriptor: Int32 = -1
  private var sentCount = 0
  private var buffer: UnsafeMutableBufferPointer<UInt8>
  private var receivedCount = 0

  init(index: Int) {
    self.index = index
    buffer = .allocate(capacity: 4_096)
  }

  deinit {
    if descriptor >= 0 { Glibc.close(descriptor) }
    buffer.deallocate()
  }

  /// Starts to connect.
  /// - Returns: false if that failed immediately.
  func open(to address: ServerAddress, poller: borrowing Poller) -> Bool {
    close()
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(address.family, type, 0)
    guard descriptor >= 0 else { return false }
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    let code = address.socketAddress.withUnsafeBytes { bytes in
      connect(
        descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard code == 0 || errno == EINPROGRESS, poller.watch(descriptor, as: UInt32(index)) else {
      close()
      return false
    }
    state = .connecting
    return true
  }

  /// Whether the connection is established; nil if still pending, false if it failed.
  func finishConnecting() -> Bool? {
    guard state == .connecting else { return false }
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0, error == 0 else { return false }
    // Without an error the socket may simply not be connected yet.
    var peer = sockaddr_storage()
    length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isConnected = withUnsafeMutableBytes(of: &peer) { bytes in
      getpeername(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
    }
    guard isConnected else { return nil }
    state = .idle
    failuresInRow = 0
    return true
  }

  /// Sends `request` from its start. If the socket takes no more, `sendRest` continues.
  /// - Returns: the bytes sent, or nil if the connection is lost.
  func send() -> Int? {
    sentCount = 0
    receivedCount = 0
    state = .waiting
    return sendRest()
  }

  func sendRest() -> Int? {
    guard sentCount < request.count else { return 0 }
    let before = sentCount
    while sentCount < request.count {
      let count = request.withUnsafeBytes { bytes in
        Glibc.send(descriptor, bytes.baseAddress.map { $0 + sentCount }, bytes.count - sentCount, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        sentCount += count
      } else if errno == EINTR {
        continue
      } else if errno == EAGAIN {
        break
      } else {
        return nil
      }
    }
    return sentCount - before
  }

  /// Reads until there is an answer or nothing more to read. Adds the bytes read to `count`.
  func receive(count: inout Int) -> Reading {
    while true {
      if receivedCount == buffer.count, !grow() { return .malformed }
      let space = buffer.count - receivedCount
      let taken = recv(descriptor, buffer.baseAddress.map { $0 + receivedCount }, space, 0)
      if taken > 0 {
        receivedCount += taken
        count += taken
        let received = UnsafeBufferPointer(rebasing: UnsafeBufferPointer(buffer)[..<receivedCount])
        switch AnswerParser.parse(received) {
        case .answer(let answer): return answer.body.upperBound == receivedCount ? .answer(answer) : .malformed
        case .malformed: return .malformed
        case .incomplete: if taken < space { return .incomplete }
        }
      } else if taken == 0 {
        return .ended
      } else if errno == EAGAIN {
        return .incomplete
      } else if errno != EINTR {
        return .ended
      }
    }
  }

  /// The bytes of the answer from `receive`; valid until the next `send`.
  func body(of answer: Answer) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: UnsafeBufferPointer(buffer)[answer.body])
  }

  /// The answer is taken; the next request may go out.
  func becomeIdle() { state = .idle }

  /// Whether the server closed a connection without a call, or sent something unasked.
  func isSpoilt() -> Bool {
    var byte: UInt8 = 0
    let taken = recv(descriptor, &byte, 1, Int32(MSG_PEEK))
    return taken >= 0 || (errno != EAGAIN && errno != EINTR)
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    state = .closed
  }

  private func grow() -> Bool {
    let limit = LoadLimits.answerBytesMax + LoadLimits.headBytesMax
    guard buffer.count < limit else { return false }
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: min(buffer.count * 4, limit))
    _ = larger.update(fromContentsOf: buffer)
    buffer.deallocate()
    buffer = larger
    return true
  }
}
