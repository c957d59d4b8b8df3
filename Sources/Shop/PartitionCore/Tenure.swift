import Model

/// One owner's time with a partition, as the partition's log shows it: what it may reveal, and when it is over.
///
/// ```
///             own Owned read                Released read, or a lease has passed
/// announced ─────────────────► waiting ──────────────────────────────────────────► serving
///     └── nobody before, or Released before ──────────────────────────────────────►  │
///     any ──a higher epoch read, or the own one of another run──► superseded (final)
/// ```
/// An epoch alone does not identify an owner: a database restored from a backup issues epochs again that are already
/// in the log. So `Owned` is an owner's own only with its own incarnation.
///
/// Two owners may believe in themselves at once: one was replaced while it slept. That does not harm the state,
/// because each repeats what the log says, the store refuses the older epoch, and receivers drop what they have seen.
/// But it must not be seen in answers:
///
/// * **Reads.** An owner reads from memory only while it holds a *lease*: something that it sent less than a lease
///   ago has come back out of the log, with no higher epoch before it. It sends *ticks* for that when reads
///   arrive.
/// * **The next owner** reveals nothing until it knows that no lease of its predecessor still holds: it has read the
///   predecessor's `Released`, or a lease has passed since its own `Owned` came back. Whatever gave the predecessor
///   a lease was sent, and is in the log, before that.
///
/// Time is the owner's monotonic clock, which counts while the process is stopped, in milliseconds. Clocks of two
/// owners need not agree, only run equally fast to a tenth: that margin is in `waitMilliseconds`.
public struct Tenure: Hashable, Sendable {
  public enum Phase: Hashable, Sendable {
    /// `Owned` has not been read yet. Can transition to: waiting, serving, superseded.
    case announced
    /// The predecessor may still answer reads. Can transition to: serving, superseded.
    case waiting
    /// Can transition to: superseded.
    case serving
    /// Another owner has the partition from this record on: its epoch is higher, or the same in another run.
    case superseded(by: UInt64)
  }

  private struct Tick: Hashable, Sendable {
    let number: UInt64
    let sentAt: Int64
  }

  public let epoch: UInt64
  /// The start of the owner's process.
  private let incarnation: UInt64
  public private(set) var phase = Phase.announced
  private let leaseMilliseconds: Int64

  /// The highest epoch in the log below this owner's, and whether it was released.
  private var predecessor: UInt64 = 0
  private var isPredecessorGone: Bool
  private let isFromTheBeginning: Bool
  /// When the own `Owned` was seen to have come back; a later time than it did is safe.
  private var waitsSince: Int64?

  /// The newest tick; until it comes back no other is sent.
  private var tickUnderWay: Tick?
  private var lastTick: UInt64
  /// Since when the lease runs: when the newest tick that came back was sent.
  private var leasedSince: Int64?

  /// - Parameter isFromTheBeginning: the replay begins with the partition's first record, so a predecessor that
  ///   the log does not show never existed.
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

  // MARK: What the log says

  /// Takes a control that was read, in order. After a superseding one nothing changes.
  mutating func read(_ control: Control) {
    if case .superseded = phase { return }
    switch control {
    case .rules, .limits: break
    case .owned(let owner): readOwned(owner.epoch, of: owner.incarnation)
    case .released(let released):
      // The `Owned` of an epoch in between might precede the first record read here, even if an older one's was read:
      // `Owned` is appended again when it seems lost, and so may come twice and late.
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

  // MARK: What the clock says

  /// How long a new owner waits for its predecessor's lease to end.
  public var waitMilliseconds: Int64 { leaseMilliseconds + leaseMilliseconds / 10 }

  /// Passes the time. Call it now and then while `phase` is waiting.
  public mutating func pass(_ now: Int64) {
    guard phase == .waiting else { return }
    let since = waitsSince ?? now
    waitsSince = since
    if now - since >= waitMilliseconds { serve() }
  }

  // MARK: What may be revealed

  /// Whether replies may leave at all. What was applied before a higher epoch was read may: the next owner arrives at
  /// the same.
  public var mayReveal: Bool { hasServed }

  /// Whether a read may be answered from memory now.
  public func mayRead(_ now: Int64) -> Bool {
    guard phase == .serving, let leasedSince else { return false }
    return now - leasedSince < leaseMilliseconds
  }

  /// The number of a tick to append now, because a read arrived: if none is under way, or its fate has been
  /// unknown for a lease, and less than half of the lease is left.
  public mutating func tickToSend(_ now: Int64) -> UInt64? {
    guard phase == .serving else { return nil }
    if let leasedSince, now - leasedSince < leaseMilliseconds / 2 { return nil }
    if let tick = tickUnderWay, now - tick.sentAt < leaseMilliseconds { return nil }
    lastTick &+= 1
    tickUnderWay = Tick(number: lastTick, sentAt: now)
    return lastTick
  }

  /// Whether the owner appends `Released` when it leaves. One that never served does not: its predecessor's lease may
  /// still hold.
  public private(set) var hasServed = false

  /// When one that never served may append `Released` after all: it waited for its predecessor's lease, and knows when
  /// that is over, whoever has the partition by then. Then its successor need not wait from the beginning.
  public var knowsReleasedAt: Int64? { hasServed ? nil : waitsSince.map { $0 + waitMilliseconds } }
}
