import Clocks

/// The state of this pod's link to one peer: events go in, actions come out. Without clocks or I/O.
///
/// ```
/// down ──tick──► dialling ──connected──► introducing ──welcome──► open
///   ▲               │                        │                      │
///   └── ended, refused, rubbish, too slow, silent ──────────────────┘
/// ```
struct OutgoingLink: Sendable {
  enum Phase: Hashable, Sendable {
    /// No connection. Can transition to dialling.
    case down(until: UInt64)
    /// Name, TCP and TLS are under way. Can transition to introducing, down.
    case dialling(until: UInt64)
    /// The hello is sent. Can transition to open, down.
    case introducing(until: UInt64)
    /// Frames flow. Can transition to down.
    case open
  }

  enum Event: Hashable, Sendable {
    case tick
    /// A tick after this pod itself was paused: the peer had nobody to answer.
    case lateTick
    /// TCP and TLS are up.
    case connected
    /// The peer welcomed the link, with plausible numbers.
    case welcomed
    case refused(LinkRefusal)
    /// A correct packet arrived.
    case heard
    /// A wrong packet arrived.
    case rubbish
    /// The connection could not be made, or ended.
    case ended
  }

  enum Action: Hashable, Sendable {
    /// Make a connection.
    case dial
    /// Send a hello with this number.
    case introduce(attempt: UInt64)
    /// Send what waits.
    case carry
    case ping
    /// Drop the connection, and what was encoded for it.
    case hangUp
    case show(PeerState)
    /// A newer run of this pod exists.
    case yield
    case count(PeerFigures.Counter)
  }

  private let limits: PeerLimits
  private(set) var phase: Phase
  private(set) var state = PeerState.connecting
  private(set) var attempt: UInt64 = 0
  /// Failed dials since the last welcome.
  private var failures: UInt64 = 0
  private var heardAt: UInt64 = 0
  private var pingedAt: UInt64 = 0
  private var wasOpen = false
  private var chance: UInt64

  /// - Parameter seed: for cutting waits at random; another one for each peer and run.
  init(_ limits: PeerLimits, at now: UInt64, seed: UInt64) {
    self.limits = limits
    chance = seed
    phase = .down(until: now)
  }

  mutating func step(_ event: Event, at now: UInt64) -> [Action] {
    switch (phase, event) {
    case (.down(let until), .tick) where now >= until:
      phase = .dialling(until: now &+ limits.handshakeMilliseconds)
      return [.dial]
    case (.dialling(let until), .tick) where now >= until, (.introducing(let until), .tick) where now >= until:
      return fall(at: now, [])
    case (.dialling(let until), .connected):
      phase = .introducing(until: until)
      attempt &+= 1
      return [.introduce(attempt: attempt)]
    case (.introducing, .welcomed): return open(at: now)
    case (.introducing, .refused(let refusal)), (.open, .refused(let refusal)):
      return refused(refusal, at: now)
    case (.open, .heard):
      heardAt = now
      return []
    case (.open, .tick): return lookAfter(at: now)
    case (.open, .lateTick):
      (heardAt, pingedAt) = (now, now)
      return [.ping]
    case (.down, _), (_, .tick), (_, .lateTick): return []
    case (_, .ended): return fall(at: now, [])
    case (_, .rubbish), (_, .welcomed), (_, .heard), (_, .connected), (_, .refused):
      failures = .max
      return fall(at: now, [.count(.rubbishLinks)])
    }
  }

  private mutating func open(at now: UInt64) -> [Action] {
    phase = .open
    failures = 0
    (heardAt, pingedAt) = (now, now)
    let again: [Action] = wasOpen ? [.count(.reconnects)] : []
    wasOpen = true
    return again + show(.connected) + [.carry]
  }

  private mutating func refused(_ refusal: LinkRefusal, at now: UInt64) -> [Action] {
    failures = .max
    let yield: [Action] = refusal == .replaced ? [.yield] : []
    return fall(at: now, show(.refused(refusal)) + yield)
  }

  private mutating func lookAfter(at now: UInt64) -> [Action] {
    let silence = now &- heardAt
    if silence >= limits.silentMilliseconds { return fall(at: now, show(.silent)) }
    guard silence >= limits.idleMilliseconds, now &- pingedAt >= limits.idleMilliseconds else { return [] }
    pingedAt = now
    return [.ping]
  }

  private mutating func fall(at now: UInt64, _ more: [Action]) -> [Action] {
    phase = .down(until: now &+ wait())
    failures = failures == .max ? 0 : min(failures + 1, 64)
    let seen: [Action] = state == .connected ? show(.connecting) : []
    return [.hangUp] + seen + more
  }

  private mutating func show(_ state: PeerState) -> [Action] {
    guard state != self.state else { return [] }
    self.state = state
    return [.show(state)]
  }

  /// Between half and all of the wait that the failures so far call for.
  private mutating func wait() -> UInt64 {
    let backoff = Backoff(
      first: Int64(clamping: limits.redialMillisecondsMin), longest: Int64(clamping: limits.redialMillisecondsMax))
    let whole = failures == .max ? limits.redialMillisecondsMax : UInt64(backoff.wait(after: Int(failures) + 1))
    // SplitMix64: just enough to spread pods that fell together.
    chance &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (chance ^ (chance >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return whole - (mixed >> 33) % (whole / 2 + 1)
  }
}
