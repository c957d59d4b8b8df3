import Model
import PartitionCore
import Streams

/// A second, naive model of Kassa that judges everything the real one says.
///
/// It reads the durable part of the log, record by record in the order of the whole log, with dictionaries instead of
/// tables: nothing is loaded, evicted, checkpointed, replayed or sent twice here. From this it knows
/// * the one outcome of each request, and so what any owner may answer, at any time and after any number of takeovers;
/// * which messages each partition must send because of which record, and so whether one is missing, made up, or
///   overtaken;
/// * what each read may show: a value its key had at some moment no older than what any client knew when the
///   read was sent (`Knowledge`);
/// * what every row of the stores must be once everything is at rest.
///
/// The rules are written here a second time, from their description, and share no code with the machines.
final class Auditor {
  let layout: Layout
  /// Whether idempotency keys expire within the run.
  private let hasKeysExpire: Bool
  /// The first thing that was wrong.
  private(set) var violation: String?

  // The state according to the durable log.
  var orders: [OrderID: Order] = [:]
  var items: [ItemID: Item] = [:]
  /// By stock partition.
  var holds: [[AttemptID: Hold]]
  var users: [UserID: User] = [:]
  var payments: [PaymentKey: Payment] = [:]
  /// By slot.
  var keys: [[IdempotencyKey: IdempotencyRecord]]
  var now: [Timestamp]
  var limits: [RuleLimits]
  /// The version of the rules that each follows.
  var rules: [UInt32]
  var limitsChanged = 0

  // What is in the log, and what must follow.
  /// By receiver's and sender's slot.
  var expected: [[[Expected]]]
  /// By slot: the newest input of each stream.
  var numbers: [[StreamSource: UInt64]]
  /// Requests reported to somebody as not executed.
  var refused: Set<RequestID> = []
  /// By slot: what other systems wrote to its ingest log, and no record has taken.
  var feeds: [Feed]
  /// Commands of ingest logs that were refused, and are not yet where refused ones go.
  var unreported: Set<RequestID> = []
  /// By slot: how many entries of every partition an effect of this partition may depend on.
  var clocks: [Knowledge]
  var current = Current(slot: 0, offset: 0)
  /// The trace of the current command; a slip carries it.
  var trace: TraceContext?
  var outcomes: [RequestID: Judgement] = [:]
  var history: [Query: [Version]] = [:]
  var parkedCount = 0

  /// By partition of orders: the number of the newest attempt.
  var attempts: [UInt64]

  // Sums over all partitions.
  var paidCount = 0
  var paidMoney: Int64 = 0
  var paidUnits: Int64 = 0
  var soldUnits: Int64 = 0
  var chargedMoney: Int64 = 0
  var charged: Set<AttemptID> = []
  var removal = Removal()

  /// What clients are known to have seen, at least: by slot, a number of entries.
  private(set) var known: Knowledge
  /// The outcomes reported under each idempotency key, if keys do not expire within the run.
  private var reported: [ReportedKey: (fingerprint: UInt64, outcome: Outcome)] = [:]

  struct PaymentKey: Hashable {
    let user: UserID
    let order: OrderID
  }

  private struct ReportedKey: Hashable {
    let slot: Int
    let key: IdempotencyKey
  }

  struct Expected {
    let offset: Int64
    let message: Message
    let clock: Knowledge
  }

  /// The one outcome of a request.
  struct Judgement {
    let outcome: Outcome
    let isReplayed: Bool
    let clock: Knowledge
    let slot: Int
    let offset: Int64
    let token: IdempotencyToken?
  }

  /// What a key showed from entry number `since` of its partition.
  struct Version {
    let since: Int
    let view: View
  }

  /// The entry being read.
  struct Current {
    let slot: Int
    let offset: Int64
  }

  init(layout: Layout, firstRules: UInt32, hasKeysExpire: Bool) {
    self.layout = layout
    self.hasKeysExpire = hasKeysExpire
    let slots = layout.slotCount
    let nothing = Knowledge(entries: Array(repeating: 0, count: slots))
    holds = Array(repeating: [:], count: layout.partitioner.count)
    keys = Array(repeating: [:], count: slots)
    now = Array(repeating: .zero, count: slots)
    limits = Array(repeating: .initial, count: slots)
    rules = Array(repeating: firstRules, count: slots)
    attempts = Array(repeating: 0, count: layout.partitioner.count)
    expected = Array(repeating: Array(repeating: [], count: slots), count: slots)
    numbers = Array(repeating: [:], count: slots)
    feeds = Array(repeating: Feed(), count: slots)
    clocks = Array(repeating: nothing, count: slots)
    known = nothing
  }

  func fail(_ sentence: @autoclosure () -> String) {
    if violation == nil { violation = sentence() }
  }

  // MARK: Answers

  /// Judges a reply at the moment it leaves its owner.
  func judge(_ reply: Reply) {
    if refused.contains(reply.request) { return fail("request \(reply.request) was refused, and answered later") }
    guard let right = outcomes[reply.request] else {
      return fail("request \(reply.request) was answered (\(reply.outcome)) before its record was durable")
    }
    guard right.outcome == reply.outcome, right.isReplayed == reply.isReplayed else {
      return fail(
        "request \(reply.request) was answered \(reply.outcome)\(reply.isReplayed ? " (replayed)" : ""); right is "
          + "\(right.outcome)\(right.isReplayed ? " (replayed)" : "")")
    }
    guard !hasKeysExpire, let token = right.token else { return }
    if case .refused(let refusal) = right.outcome, refusal.isTransient(under: rules[right.slot]) { return }
    if case .refused(.idempotencyKeyReused) = right.outcome { return }
    let key = ReportedKey(slot: right.slot, key: token.key)
    if let before = reported[key] {
      if before.fingerprint != token.fingerprint || before.outcome != reply.outcome {
        fail("key \(token.key.text) gave \(before.outcome), then \(reply.outcome)")
      }
    } else {
      reported[key] = (token.fingerprint, reply.outcome)
    }
  }

  /// A client has got a request's outcome: what the outcome depends on is known from now on.
  func learned(_ request: RequestID) {
    if let judgement = outcomes[request] { known.learn(judgement.clock) }
  }

  /// Judges what was shown to a client that knew `since` when it asked.
  func judge(_ view: View, of query: Query, since: Knowledge) {
    let slot = layout.slot(query.partition(by: layout.partitioner))
    let floor = since.entries[slot]
    if case .payment(let user, let order) = query {
      return judge(view, paymentOf: user, for: order, floor: floor)
    }
    let versions = history[query] ?? []
    if let place = Self.place(of: view, in: versions, from: floor, absent: Self.absent(query)) {
      if place >= 0 { known.entries[slot] = max(known.entries[slot], versions[place].since) }
    } else {
      fail("\(query) showed \(view); since entry \(floor) right is one of \(versions.suffix(3).map(\.view))")
    }
  }

  private func judge(_ view: View, paymentOf user: UserID, for order: OrderID, floor: Int) {
    let users = history[.user(user)] ?? []
    let right: Bool
    switch view {
    case .payment(isPaid: nil):
      right = users.first.map { $0.since > floor } ?? true
    case .payment(isPaid: .some):
      right =
        !users.isEmpty
        && Self.place(
          of: view, in: history[.payment(user, order)] ?? [], from: floor, absent: .payment(isPaid: false)) != nil
    default: right = false
    }
    if !right { fail("the payment of \(user) for \(order) showed \(view)") }
  }

  /// The earliest version that was valid at `floor` or later and equals the view; -1 is the time before the first.
  private static func place(of view: View, in versions: [Version], from floor: Int, absent: View) -> Int? {
    if view == absent, versions.first.map({ $0.since > floor }) ?? true { return -1 }
    for (place, version) in versions.enumerated() where version.view == view {
      if place == versions.count - 1 || versions[place + 1].since > floor { return place }
    }
    return nil
  }

  private static func absent(_ query: Query) -> View {
    switch query {
    case .order: .order(nil)
    case .item: .item(nil)
    case .user: .user(nil)
    case .payment: .payment(isPaid: nil)
    }
  }
}

/// How much of every partition somebody knows, directly or indirectly: a vector clock.
struct Knowledge: Sendable {
  /// By slot: a number of entries.
  var entries: [Int]

  mutating func learn(_ other: Knowledge) {
    for slot in entries.indices { entries[slot] = max(entries[slot], other.entries[slot]) }
  }
}
