import Model

/// One owner's time with a partition, as the partition's log tells it: what it may reveal, and when it is over.
///
/// ```
///             own Owned read                Released read, or a lease has passed
/// announced ─────────────────► waiting ──────────────────────────────────────────► serving
///     └── nobody before, or Released before ──────────────────────────────────────►  │
///     any ──a higher epoch read, or the own one of another run──► superseded (final)
/// ```
/// An epoch alone does not tell an owner: a database that was restored from a backup gives epochs out again that stand
/// in the log already. So `Owned` is the own one only with the own incarnation.
///
/// Two owners may believe in themselves at once: one was replaced while it slept. That does no harm to the state, for
/// each repeats what the log says, the store refuses the older epoch, and receivers drop what they have seen. But it
/// must not be seen in answers:
///
/// * **Reads.** An owner reads from memory only while it holds a *lease*: something that it sent less than a lease
///   ago has come back out of the log, and no higher epoch before it. It sends *ticks* for that, when reads come.
/// * **The next owner** reveals nothing before it knows that no lease of its predecessor holds any more: it has read
///   the predecessor's `Released`, or a lease has passed since its own `Owned` came back. Whatever gave the
///   predecessor a lease was sent, and stands in the log, before that.
///
/// Time is a monotonic clock of the owner's that counts while the process is stopped, in milliseconds. Clocks of two
/// owners need not agree, only run equally fast to a tenth: that margin is in `waitMilliseconds`.
public struct Tenure: Hashable, Sendable {
  public enum Phase: Hashable, Sendable {
    /// `Owned` was not read yet. Can transition to: waiting, serving, superseded.
    case announced
    /// The predecessor may still answer reads. Can transition to: serving, superseded.
    case waiting
    /// Can transition to: superseded.
    case serving
    /// Another owner has the partition from this record on: its epoch is higher, or the same of another run.
    case superseded(by: UInt64)
  }

  private struct Tick: Hashable, Sendable {
    let number: UInt64
    let sentAt: Int64
  }

  public let epoch: UInt64
  /// The start of the process that the owner runs in.
  private let incarnation: UInt64
  public private(set) var phase = Phase.announced
  private let leaseMilliseconds: Int64

  /// The highest epoch below the own one that the log told of, and whether it was released.
  private var predecessor: UInt64 = 0
  private var isPredecessorGone: Bool
  private let isFromTheBeginning: Bool
  /// When the own `Owned` was seen to have come back; later than it did is safe.
  private var waitsSince: Int64?

  /// The newest tick; until it comes back no other is sent.
  private var tickUnderWay: Tick?
  private var lastTick: UInt64
  /// Since when the lease runs: when the newest tick that came back was sent.
  private var leasedSince: Int64?

  /// - Parameter isFromTheBeginning: the replay begins with the partition's first record, so that a predecessor of
  ///   which the log does not tell has never been.
  public init(epoch: UInt64, incarnation: UInt64, leaseMilliseconds: Int64, isFromTheBeginning: Bool) {
    self.epoch = epoch
    self.incarnation = incarnation
    lastTick = Self.ticks(of: incarnation)
    self.leaseMilliseconds = leaseMilliseconds
    self.isFromTheBeginning = isFromTheBeginning
    isPredecessorGone = isFromTheBeginning
  }

  /// Ticks of different runs hardly ever have the same number, whatever their epochs.
  static func ticks(of incarnation: UInt64) -> UInt64 { incarnation << 32 }

  // MARK: What the log tells

  /// Takes a control that was read, in its order. Behind a superseding one nothing changes any more.
  mutating func read(_ control: Control) {
    if case .superseded = phase { return }
    switch control {
    case .rules, .limits: break
    case .owned(let owner): readOwned(owner.epoch, of: owner.incarnation)
    case .released(let released):
      // Of an epoch in between, its `Owned` might stand before the first record that was read here, even where an older
      // one's was read: `Owned` is said again when it seems to be lost, and so may come twice and late.
      guard released == epoch - 1 || released == predecessor && isFromTheBeginning else { return }
      isPredecessorGone = true
      if phase == .waiting { serve() }
    case .tick(let ticking, let number):
      guard ticking == epoch, let tick = tickUnderWay, tick.number == number else { return }
      leasedSince = tick.sentAt
      tickUnderWay = nil
    }
  }

  private mutating func readOwned(_ owned: UInt64, of run: UInt64) {
    if owned > epoch || owned == epoch && run != incarnation {
      phase = .superseded(by: owned)
    } else if owned == epoch {
      guard phase == .announced else { return }
      if isPredecessorGone { serve() } else { phase = .waiting }
    } else if owned > predecessor {
      predecessor = owned
      isPredecessorGone = false
    }
  }

  private mutating func serve() {
    phase = .serving
    hasServed = true
  }

  // MARK: What the clock tells

  /// How long a new owner waits for its predecessor's lease to end.
  public var waitMilliseconds: Int64 { leaseMilliseconds + leaseMilliseconds / 10 }

  /// Says what time it is. To be called now and then while `phase` is waiting.
  public mutating func pass(_ now: Int64) {
    guard phase == .waiting else { return }
    let since = waitsSince ?? now
    waitsSince = since
    if now - since >= waitMilliseconds { serve() }
  }

  // MARK: What may be revealed

  /// Whether replies may leave at all. What was applied before a higher epoch was read may: the next owner comes to the
  /// same.
  public var mayReveal: Bool { hasServed }

  /// Whether a read may be answered from memory now.
  public func mayRead(_ now: Int64) -> Bool {
    guard phase == .serving, let leasedSince else { return false }
    return now - leasedSince < leaseMilliseconds
  }

  /// The number of a tick to append now, because a read came: when none is under way, or its fate is unknown for a
  /// lease, and the lease holds for less than half of its time.
  public mutating func tickToSend(_ now: Int64) -> UInt64? {
    guard phase == .serving else { return nil }
    if let leasedSince, now - leasedSince < leaseMilliseconds / 2 { return nil }
    if let tick = tickUnderWay, now - tick.sentAt < leaseMilliseconds { return nil }
    lastTick &+= 1
    tickUnderWay = Tick(number: lastTick, sentAt: now)
    return lastTick
  }

  /// Whether the owner appends `Released` when it leaves. One that never served does not: its predecessor's lease may
  /// hold still.
  public private(set) var hasServed = false

  /// When one that never served may append `Released` after all: it waited for its predecessor's lease, and knows when
  /// that is over, whoever has the partition meanwhile. Its successor need not wait from the beginning then.
  public var knowsReleasedAt: Int64? { hasServed ? nil : waitsSince.map { $0 + waitMilliseconds } }
}
