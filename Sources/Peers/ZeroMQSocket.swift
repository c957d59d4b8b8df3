import CZeroMQ
import Glibc

/// ZeroMQ's context, with one I/O thread. Ended behind the last of its sockets, which hold it.
final class ZeroMQContext {
  let pointer: UnsafeMutableRawPointer

  init() throws(PeerFailure) {
    guard let pointer = zmq_ctx_new() else { throw PeerFailure(code: .system, message: "no memory for ZeroMQ") }
    self.pointer = pointer
  }

  deinit { zmq_ctx_term(pointer) }
}

/// One ZeroMQ socket; for one thread at a time. What it has not sent when it ends is dropped.
final class ZeroMQSocket {
  private let context: ZeroMQContext
  private let pointer: UnsafeMutableRawPointer
  private let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)

  init(_ context: ZeroMQContext, _ type: Int32) throws(PeerFailure) {
    guard let pointer = zmq_socket(context.pointer, type) else { throw Self.failure("a socket") }
    self.context = context
    self.pointer = pointer
    zmq_msg_init(message)
    try set(ZMQ_LINGER, 0)
  }

  deinit {
    zmq_msg_close(message)
    message.deallocate()
    zmq_close(pointer)
  }

  private static func failure(_ what: String, code: PeerFailure.Code = .system) -> PeerFailure {
    PeerFailure(code: code, message: "\(what): \(String(cString: zmq_strerror(zmq_errno())))")
  }

  // MARK: Setting up

  func set(_ option: Int32, _ value: Int32) throws(PeerFailure) {
    var value = value
    guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int32>.size) == 0 else {
      throw Self.failure("socket option \(option)")
    }
  }

  func set(_ option: Int32, long value: Int64) throws(PeerFailure) {
    var value = value
    guard zmq_setsockopt(pointer, option, &value, MemoryLayout<Int64>.size) == 0 else {
      throw Self.failure("socket option \(option)")
    }
  }

  func set(_ option: Int32, _ text: String) throws(PeerFailure) {
    guard zmq_setsockopt(pointer, option, text, text.utf8.count) == 0 else {
      throw Self.failure("socket option \(option)")
    }
  }

  func bind(_ endpoint: String) throws(PeerFailure) {
    guard zmq_bind(pointer, endpoint) == 0 else { throw Self.failure("cannot listen at \(endpoint)", code: .address) }
  }

  func connect(_ endpoint: String) throws(PeerFailure) {
    guard zmq_connect(pointer, endpoint) == 0 else { throw Self.failure("no address: \(endpoint)", code: .address) }
  }

  func disconnect(_ endpoint: String) { zmq_disconnect(pointer, endpoint) }

  /// Tells of the socket's connections on a PAIR socket at `endpoint`.
  func monitor(_ endpoint: String, _ events: Int32) throws(PeerFailure) {
    guard zmq_socket_monitor(pointer, endpoint, events) == 0 else { throw Self.failure("a monitor") }
  }

  var lastEndpoint: String {
    var text = [CChar](repeating: 0, count: 256)
    var length = text.count
    guard zmq_getsockopt(pointer, ZMQ_LAST_ENDPOINT, &text, &length) == 0 else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Becomes readable when `isReadable` should be looked at, not only when something can be received; and is silent
  /// about what a send or a receive has noticed by the way. So look after each of them.
  var descriptor: Int32 {
    var descriptor: Int32 = -1
    var length = MemoryLayout<Int32>.size
    return zmq_getsockopt(pointer, ZMQ_FD, &descriptor, &length) == 0 ? descriptor : -1
  }

  var isReadable: Bool {
    var events: Int32 = 0
    var length = MemoryLayout<Int32>.size
    guard zmq_getsockopt(pointer, ZMQ_EVENTS, &events, &length) == 0 else { return false }
    return events & Int32(ZMQ_POLLIN) != 0
  }

  // MARK: Messages

  enum Sending: Hashable {
    case sent
    /// No connection, or its queue is full.
    case notNow
    /// A router does not know the receiver any more.
    case gone
  }

  func send(_ bytes: [UInt8], hasMore: Bool = false) -> Sending {
    while true {
      if zmq_send(pointer, bytes, bytes.count, ZMQ_DONTWAIT | (hasMore ? ZMQ_SNDMORE : 0)) >= 0 { return .sent }
      switch zmq_errno() {
      case EINTR: continue
      case EHOSTUNREACH: return .gone
      default: return .notNow
      }
    }
  }

  /// Takes one part of a message and gives its bytes to `body` with whether more parts follow; nil when there is none.
  func receive<Result>(_ body: (_ bytes: UnsafeRawBufferPointer, _ hasMore: Bool) -> Result) -> Result? {
    while zmq_msg_recv(message, pointer, ZMQ_DONTWAIT) < 0 {
      guard zmq_errno() == EINTR else { return nil }
    }
    let bytes = UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
    return body(bytes, zmq_msg_more(message) != 0)
  }

  /// Takes a whole message of at most `partsMax` parts; nil when there is none, empty when it has more.
  func receiveParts(_ partsMax: Int) -> [[UInt8]]? {
    var parts: [[UInt8]] = []
    var isTooLong = false
    while true {
      let received = receive { bytes, hasMore in
        if parts.count < partsMax { parts.append(Array(bytes)) } else { isTooLong = true }
        return hasMore
      }
      guard let hasMore = received else { return nil }
      if !hasMore { return isTooLong ? [] : parts }
    }
  }
}
