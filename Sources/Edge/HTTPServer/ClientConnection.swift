/// One connection of a lane and its current request. Created when accepted, used for all of its requests.
/// Lane-confined.
final class ClientConnection {
  enum Phase {
    /// Between requests, or before the first, until the request line has arrived. → receiving
    case idle
    /// The request line has arrived, the rest of the head has not. → body, answering, idle (refused by the library)
    case receiving
    /// The head has arrived and is good. → waiting, answering
    case body
    /// The handler answers later; the connection is suspended. → answering
    case waiting
    /// The answer is being sent. → idle
    case answering
  }

  let connection: OpaquePointer
  let socket: Int32
  let address: PeerAddress
  /// How to refuse its first request, because there are too many connections.
  var surplus: HeadRefusal?
  /// Where it is queued while idle; nil if it is beyond a bound.
  var place: IdlePlace?
  /// It is suspended because the library may be refusing its request.
  var isSuspect = false
  /// The certificate that it uses, unless it is that of the server's start.
  var certificate: TLSCertificate?
  /// Its place in the server's table.
  var index = 0

  var phase = Phase.idle
  /// When the phase must end, in the lane's milliseconds; when it began, if `waiting`.
  var deadline: UInt64
  /// Identifies the current request; never 0 while there is one.
  var exchange: UInt64 = 0

  /// The target in the library's buffer, and its parts.
  private(set) var target = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var parts = TargetParts(ofMeaningless: UnsafeBufferPointer(start: nil, count: 0))
  /// The byte after the question mark while the library must not see it.
  private var hiddenByte: UInt8?
  private(set) var isTargetGood = true
  /// The target of a request that starts near the beginning of the library's buffer.
  var earlyTarget: UnsafePointer<UInt8>?
  /// Whether the whole head had arrived, without a NUL, before the library parsed it.
  var isHeadSeen = false

  /// While idle: the first bytes of a request were seen, and the request's deadline applies.
  var hasBegun = false
  /// While idle on a stopping server: how many looks in a row found nothing to read.
  var quietLooks = 0
  /// Bytes of all requests so far; over TLS, bytes received when the connection was first looked at while idle.
  var bytesTaken: UInt64 = 0
  /// Over TLS: whether `bytesTaken` is from this idle time.
  var isCounted = true

  var framing = BodyFraming()
  /// The end of a request that expects `100 Continue` and has no body was reported once: see `requestArrived`.
  var isPutOff = false
  var bodyByteCount = 0
  /// Bytes of the refused body that were discarded.
  var discardedBytes = 0
  /// Sent when the body has been read.
  var refusal: HeadRefusal?

  init(_ connection: OpaquePointer, socket: Int32, address: PeerAddress, deadline: UInt64) {
    self.connection = connection
    self.socket = socket
    self.address = address
    self.deadline = deadline
  }

  /// Forgets a request, but keeps its memory if that is small.
  func reset() {
    phase = .idle
    isPutOff = false
    exchange = 0
    hasBegun = false
    quietLooks = 0
    isCounted = false
    target = UnsafeBufferPointer(start: nil, count: 0)
    parts = TargetParts(ofMeaningless: target)
    isTargetGood = true
    isHeadSeen = false
    framing = BodyFraming()
    discardedBytes = 0
    refusal = nil
    hiddenByte = nil
    bodyByteCount = 0
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

  /// Host and port of an absolute target; otherwise empty.
  var authority: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: target[parts.authority]) }

  /// The part after the question mark; empty without one.
  var query: UnsafeBufferPointer<UInt8> {
    let end = parts.path.upperBound
    return end < target.count ? UnsafeBufferPointer(rebasing: target[(end + 1)...]) : target.emptyPart
  }

  /// Keeps the library from parsing the query, which would change it and use memory for each argument: the library sees
  /// an empty query. The buffer is the library's own memory, and it changes the same bytes itself.
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
