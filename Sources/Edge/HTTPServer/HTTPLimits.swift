/// The bounds of an HTTP server. Each applies to all lanes together or to one connection, as documented.
public struct HTTPLimits: Hashable, Sendable {
  /// Open connections of all lanes; a further one takes the place of an idle one, or gets 503 for its first request and
  /// is closed.
  public var connectionsMax = 10_000
  /// Open connections of one client address over all lanes; a further one takes the place of an idle one of the
  /// address, or is refused with 429.
  public var connectionsPerAddressMax = 4_096
  /// Connections waiting to be accepted, per lane.
  public var acceptQueueConnectionsMax = 1_024
  /// Request line and headers with their line ends; more is refused with 431, 512…65 536.
  public var headBytesMax = 8_192
  /// Path and query; more is refused with 414.
  public var targetBytesMax = 2_048
  /// More is refused with 413.
  public var bodyBytesMax = 65_536
  /// From a new connection to its first byte, and from a request's first byte to its last.
  public var requestMilliseconds = 10_000
  /// Until a connection that has been answered sends the first byte of its next request.
  public var idleMilliseconds = 75_000
  /// From the answer until the client has read so much that the rest fits into the socket's buffer.
  public var answerMilliseconds = 10_000

  public init() {}

  /// A deadline may be late by at most this fraction of it.
  static let ticksPerDeadline = 8

  /// How often deadlines are checked.
  var tickMilliseconds: UInt64 {
    let shortest = min(requestMilliseconds, idleMilliseconds, answerMilliseconds)
    return UInt64(min(1_000, max(5, shortest / HTTPLimits.ticksPerDeadline)))
  }

  /// Memory that libmicrohttpd may use per connection: for the request's head, its data about each header, and the
  /// answer's head. It is cleared for every request, so more costs time.
  var connectionBytes: Int { headBytesMax + 8_192 }

  /// Headers of one request; more is refused with 431.
  static let headersMax = 100

  /// - Throws: `HTTPServerFailure` with what contradicts what.
  public func check() throws(HTTPServerFailure) {
    try check(connectionsMax, 1...1_000_000, "connectionsMax")
    try check(connectionsPerAddressMax, 1...connectionsMax, "connectionsPerAddressMax")
    try check(acceptQueueConnectionsMax, 1...65_535, "acceptQueueConnectionsMax")
    try check(headBytesMax, 512...65_536, "headBytesMax")
    try check(targetBytesMax, 16...(headBytesMax - 64), "targetBytesMax")
    try check(bodyBytesMax, 0...(1 << 30), "bodyBytesMax")
    try check(requestMilliseconds, 10...3_600_000, "requestMilliseconds")
    try check(idleMilliseconds, 10...86_400_000, "idleMilliseconds")
    try check(answerMilliseconds, 10...3_600_000, "answerMilliseconds")
  }

  private func check(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws(HTTPServerFailure) {
    guard !range.contains(value) else { return }
    throw HTTPServerFailure(
      .badLimits, "HTTP limit \(name) is \(value), not within \(range.lowerBound)…\(range.upperBound)")
  }
}
