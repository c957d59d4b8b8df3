/// One connection of a lane and the request it is at. Made when it is accepted, used for all of its requests.
/// Lane-confined.
final class ClientConnection {
  enum Phase {
    /// Between requests, or before the first, until the request line is here. → receiving
    case idle
    /// The request line is here, the rest of the head is not. → body, answering, idle (refused by the library)
    case receiving
    /// The head is here and good. → waiting, answering
    case body
    /// The handler answers later; the connection is suspended. → answering
    case waiting
    /// The answer is being sent. → idle
    case answering
  }

  let connection: OpaquePointer
  let socket: Int32
  let address: PeerAddress
  /// How its first request is refused, because there are too many connections.
  var surplus: HeadRefusal?
  /// It is suspended because the library may be refusing its request.
  var isSuspect = false
  /// Its place in the server's table.
  var index = 0

  var phase = Phase.idle
  /// When the phase has to be over, in the lane's milliseconds; when it began, if it is `waiting`.
  var deadline: UInt64
  /// Names the request it is at; never 0 while there is one.
  var exchange: UInt64 = 0

  /// The target in the library's buffer, and its parts.
  private(set) var target = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var parts = TargetParts(ofMeaningless: UnsafeBufferPointer(start: nil, count: 0))
  /// The byte after the question mark while the library must not see it.
  private var hiddenByte: UInt8?
  private(set) var isTargetGood = true
  /// The target of a request with which the library's buffer had just begun.
  var earlyTarget: UnsafePointer<UInt8>?
  /// Whether the whole head was here before the library took it apart, without a NUL.
  var isHeadSeen = false

  /// While it is idle: the first bytes of a request were seen, and it has the request's deadline.
  var hasBegun = false
  /// Bytes of all requests so far; over TLS, bytes that had come when the connection was first looked at while it is
  /// idle.
  var bytesTaken: UInt64 = 0
  /// Over TLS: whether `bytesTaken` is of this idle time.
  var isCounted = true

  var framing = BodyFraming()
  var body: [UInt8] = []
  /// Bytes of the body that were thrown away since it is refused.
  var discardedBytes = 0
  /// Told when the body has been read.
  var refusal: HeadRefusal?

  init(_ connection: OpaquePointer, socket: Int32, address: PeerAddress, deadline: UInt64) {
    self.connection = connection
    self.socket = socket
    self.address = address
    self.deadline = deadline
  }

  /// Forgets a request, but keeps the memory it has used if that is little.
  func reset() {
    phase = .idle
    exchange = 0
    hasBegun = false
    isCounted = false
    target = UnsafeBufferPointer(start: nil, count: 0)
    parts = TargetParts(ofMeaningless: target)
    isTargetGood = true
    isHeadSeen = false
    framing = BodyFraming()
    discardedBytes = 0
    refusal = nil
    hiddenByte = nil
    if !body.isEmpty { body = [] }
  }

  func take(target: UnsafeBufferPointer<UInt8>) {
    self.target = target
    let parts = TargetParts(target)
    isTargetGood = parts != nil
    self.parts = parts ?? TargetParts(ofMeaningless: target)
  }

  var path: UnsafeBufferPointer<UInt8> {
    guard parts.path.isEmpty else { return UnsafeBufferPointer(rebasing: target[parts.path]) }
    return UnsafeBufferPointer(start: TargetParts.root.utf8Start, count: TargetParts.root.utf8CodeUnitCount)
  }

  /// Host and port of an absolute target; else empty.
  var authority: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: target[parts.authority]) }

  /// Behind the question mark; empty without one.
  var query: UnsafeBufferPointer<UInt8> {
    let end = parts.path.upperBound
    return end < target.count ? UnsafeBufferPointer(rebasing: target[(end + 1)...]) : target.emptyPart
  }

  /// Keeps the library from taking the query apart, which would change it and use memory for each argument: to it, the
  /// query ends where it begins. The buffer is the library's own memory, and it changes the same bytes itself.
  func hideQuery() {
    guard !query.isEmpty, let base = query.baseAddress else { return }
    hiddenByte = base.pointee
    UnsafeMutablePointer(mutating: base).pointee = 0
  }

  func restoreQuery() {
    guard let byte = hiddenByte, let base = query.baseAddress else { return }
    hiddenByte = nil
    UnsafeMutablePointer(mutating: base).pointee = byte
  }
}

extension UnsafeBufferPointer {
  fileprivate var emptyPart: Self { Self(start: baseAddress, count: 0) }
}
