import Synchronization

/// Frames that one peer delivered here but no lane has taken yet; their cost is deducted from its credit.
final class StreamCredit: Sendable {
  private let outstanding = Atomic<Int>(0)

  func deliver(_ cost: Int) { outstanding.add(cost, ordering: .relaxed) }

  /// Returns what is still outstanding.
  func take(_ cost: Int) -> Int { outstanding.subtract(cost, ordering: .relaxed).newValue }

  var cost: Int { outstanding.load(ordering: .relaxed) }
}

/// Frames of one traffic from one run of one peer: each taken once, in order, within its credit.
struct InboundStream {
  /// Shared by all runs of a pod, so that a pod that keeps restarting gets no more than one window.
  let credit: StreamCredit
  /// The number of the last frame received, and the cost of all of them.
  private(set) var received: UInt64
  private(set) var receivedCost: UInt64 = 0
  private(set) var grant: UInt64 = 0
  private var granted: UInt64 = 0
  private(set) var acknowledged: UInt64

  /// - Parameter first: the number of the first frame that the sender keeps.
  init(first: UInt64, credit: StreamCredit) {
    self.credit = credit
    received = first &- 1
    acknowledged = received
  }

  enum Step: Hashable {
    case deliver
    /// Received before.
    case duplicate
    /// Not the next one, or more than the credit allows: the link is wrong.
    case violation
  }

  /// Whether the frame with this number is the next.
  mutating func step(_ number: UInt64, cost: Int) -> Step {
    if number <= received { return .duplicate }
    guard number == received &+ 1 else { return .violation }
    let (after, overflow) = receivedCost.addingReportingOverflow(UInt64(cost))
    guard !overflow, after <= grant else { return .violation }
    received = number
    receivedCost = after
    credit.deliver(cost)
    return .deliver
  }

  /// Renews the grant; credit once given is never taken back.
  mutating func renew(_ limits: PeerLimits) -> UInt64 {
    let free = max(limits.windowBytes - credit.cost, 0)
    grant = max(grant, receivedCost &+ UInt64(free))
    return grant
  }

  /// How soon the sender should be sent an acknowledgement.
  enum Urgency: Int, Comparable, Hashable {
    case never, soon, now

    static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
  }

  /// At once if a good part of its credit came back, soon if anything arrived or any credit came back.
  mutating func urgency(_ limits: PeerLimits) -> Urgency {
    let grant = renew(limits)
    if grant &- granted >= UInt64(limits.windowBytes / 4) { return .now }
    return received == acknowledged && grant == granted ? .never : .soon
  }

  /// The sender was sent the number and the grant.
  mutating func noteAcknowledgement() {
    acknowledged = received
    granted = grant
  }
}
