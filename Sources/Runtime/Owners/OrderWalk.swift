import Model
import Ports

/// Walks over the orders that the store has of one partition, page by page, and picks those that may be removed.
///
/// The store's rows may be older than what the owner has in memory, so this only proposes: the partition decides.
/// ```
/// resting ──due──► reading ──some picked──► picked ──partition takes──► sweeping
///    ▲ ▲              │                        ▲                          │ │
///    │ └─none, failed─┘                        └────────some left─────────┘ │
///    └───────────────────────────────none left─────────────────────────────┘
/// ```
/// `OrderPace` says how fast. Times are milliseconds of the lane's clock.
struct OrderWalk {
  enum Phase: Hashable {
    /// Can transition to: reading.
    case resting(until: UInt64)
    /// A page is being read. Can transition to: resting, picked.
    case reading
    /// Orders wait to be swept. Can transition to: sweeping.
    case picked
    /// A sweep of this many orders is under way. Can transition to: picked, resting.
    case sweeping(count: Int)
  }

  let pace: OrderPace
  private(set) var phase: Phase
  private var after: OrderID?
  private var picked: ArraySlice<OrderID> = []
  private var isLastPage = false
  private var beganAt: UInt64

  /// - Parameters:
  ///   - share: the partition's place among `count`: so that not all begin at the same moment.
  init(_ pace: OrderPace, at now: UInt64, share: Int, of count: Int) {
    self.pace = pace
    beganAt = now
    phase = .resting(until: now + pace.pageMilliseconds * UInt64(share + 1) / UInt64(max(1, count)))
  }

  /// When a page is due; nil while other things are.
  var pageDueAt: UInt64? { if case .resting(let until) = phase { until } else { nil } }

  /// Whether a sweep is due.
  var isSweepDue: Bool { phase == .picked }

  /// Begins to read the page after the returned order; the first one for nil.
  mutating func beginPage(at now: UInt64) -> OrderID? {
    phase = .reading
    if after == nil { beganAt = now }
    return after
  }

  /// Takes a page, and picks what was changed before `bound` or nobody knows when. Returns whether the walk has ended.
  mutating func read(_ page: [StoredOrder], changedBefore bound: Timestamp, at now: UInt64) -> Bool {
    guard case .reading = phase else { return false }
    isLastPage = page.count < pace.pageMax
    after = isLastPage ? nil : page.last?.id
    picked = page.filter { $0.changedAt.map { $0 <= bound } ?? true }.map(\.id)[...]
    if !picked.isEmpty {
      phase = .picked
      return false
    }
    rest(for: pace.pageMilliseconds, at: now)
    return isLastPage
  }

  /// The partition keeps its orders: what is due is due later.
  mutating func postpone(at now: UInt64) {
    if case .resting = phase { phase = .resting(until: now + pace.pageMilliseconds) }
  }

  /// The page could not be read: it is read again later.
  mutating func readFailed(at now: UInt64) { phase = .resting(until: now + pace.retryMilliseconds) }

  /// The next orders to sweep; nil if none wait.
  mutating func beginSweep() -> [OrderID]? {
    guard phase == .picked else { return nil }
    let orders = Array(picked.prefix(pace.sweepMax))
    phase = .sweeping(count: orders.count)
    return orders
  }

  /// The sweep has ended. Returns whether the walk has.
  mutating func swept(at now: UInt64) -> Bool {
    guard case .sweeping(let count) = phase else { return false }
    picked.removeFirst(count)
    guard picked.isEmpty else {
      phase = .picked
      return false
    }
    rest(for: pace.busyPageMilliseconds, at: now)
    return isLastPage
  }

  private mutating func rest(for milliseconds: UInt64, at now: UInt64) {
    phase = .resting(until: isLastPage ? max(now + milliseconds, beganAt + pace.walkMilliseconds) : now + milliseconds)
  }
}
