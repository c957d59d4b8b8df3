/// Decides whether Redis is queried at all.
///
///     closed ──connection lost, or too many late answers──► open(until)
///     open ──the time is over──► halfOpen
///     halfOpen ──connected and logged in──► closed
///     halfOpen ──failed──► open, for twice as long
///
/// While it is not closed, every query is answered nil at once: a hung server costs clients nothing. The trial is a
/// connection with its log-in, not a client's query.
struct CircuitBreaker: Hashable, Sendable {
  enum State: Hashable, Sendable {
    /// Queries go to Redis. Can transition to open.
    case closed
    /// Nothing goes to Redis until then. Can transition to halfOpen.
    case open(untilMilliseconds: UInt64)
    /// One connection is tried. Can transition to closed and open.
    case halfOpen
  }

  private(set) var state = State.halfOpen
  /// Late requests in a row.
  private(set) var lateRequests = 0
  private var openMilliseconds: UInt64
  private let limits: RedisLimits

  init(_ limits: RedisLimits) {
    self.limits = limits
    openMilliseconds = limits.openMillisecondsMin
  }

  /// The connection is established and the log-in was answered.
  mutating func connected() {
    state = .closed
    lateRequests = 0
  }

  /// A request was answered in time: Redis is healthy, the next failure starts with the shortest pause again.
  mutating func answered() {
    lateRequests = 0
    openMilliseconds = limits.openMillisecondsMin
  }

  /// A request was not answered in time. Returns whether that was one too many: then end the connection.
  mutating func late() -> Bool {
    guard state == .closed else { return false }
    lateRequests += 1
    return lateRequests >= limits.lateRequestsMax
  }

  /// The connection failed or was ended. Returns how long to wait before the next attempt.
  mutating func lost(now: UInt64) -> UInt64 {
    let pause = openMilliseconds
    state = .open(untilMilliseconds: now &+ pause)
    openMilliseconds = min(pause &* 2, limits.openMillisecondsMax)
    lateRequests = 0
    return pause
  }

  /// The pause is over.
  mutating func tryAgain() {
    if case .open = state { state = .halfOpen }
  }
}
