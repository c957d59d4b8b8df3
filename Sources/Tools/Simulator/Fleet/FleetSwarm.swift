import Model
import PartitionCore
import Streams
import Tenancy

/// What can happen next in a fleet.
enum FleetAction: Int, CaseIterable, Sendable {
  case request, read, `repeat`, giveUp
  case deliver, turn, append, readLog, store, tend
  case rebalance, leave, crash, pause, cut, disconnect, hide, show
  case clock, gap, poison, quarantine, copy, restore
  case sweep, age
  case feed, ingest, retain, skipLost

  /// How often it happens, relative to the others.
  var weight: Int {
    switch self {
    case .deliver: 420
    case .turn: 200
    case .append: 260
    case .readLog: 160
    case .store: 200
    case .tend: 120
    case .request: 120
    case .read: 100
    case .repeat: 30
    case .rebalance, .show: 6
    case .disconnect: 10
    case .giveUp: 4
    case .hide, .cut, .pause, .quarantine: 3
    case .crash, .leave, .copy: 2
    case .restore: 2
    case .age: 6
    case .gap: 15
    case .sweep: 150
    case .clock, .poison: 1
    case .feed: 50
    case .ingest: 260
    case .retain: 6
    case .skipLost: 2
    }
  }

  /// Whether a seed may leave it out.
  var isFault: Bool {
    switch self {
    case .repeat, .giveUp, .rebalance, .leave, .crash, .pause, .cut, .disconnect, .hide, .clock, .gap, .poison,
      .restore, .retain:
      true
    default: false
    }
  }
}

extension FleetAction {
  /// Whether it has something to do with ingest logs.
  var isOfIngest: Bool {
    switch self {
    case .feed, .ingest, .retain, .skipLost: true
    default: false
    }
  }
}

/// One seed's fleet: each has other bounds, other faults and another mix of them.
struct FleetSwarm: Sendable {
  let podCount: Int
  let partitionCount: Int
  let userCount: Int
  let itemCount: Int
  let startingStock: Int64
  let startingCredit: Int64
  let limits: TenancyLimits
  let hasKeysExpire: Bool
  /// Whether old orders are removed.
  let hasRetention: Bool
  /// Whether other systems write to the partitions' ingest logs.
  let hasIngest: Bool
  /// Inputs of an ingest log that may be with an owner and not durable.
  let ingestUndurableMax: Int
  let limitsChangePercent: Int
  /// By `FleetAction.rawValue`.
  let weights: [Int]
  /// In percent: how often an append's fate is not reported to its owner.
  let appendUnknownPercent: Int
  let storeFailurePercent: Int
  /// In percent: how often rows that were read stay in transit for a while.
  let loadDelayPercent: Int
  /// In percent: how often somebody asks for an order that will be made soon.
  let earlyReadPercent: Int
  /// In percent: how often a seat asks for a checkpoint in its turn.
  let checkpointPercent: Int
  /// In percent: how often each pod is notified of a partition's new owner.
  let notifiedPercent: Int

  /// How much time may pass per step: the less it is, the more happens within a lease.
  let stepMillisecondsMax: Int

  /// - Parameter isPlain: without ingest logs and sweeps.
  init(seed: UInt64, isPlain: Bool) {
    var random = SeededRandom(seed: seed ^ 0xf1ee7)
    podCount = random.within(2...4)
    partitionCount = random.within(1...2)
    userCount = random.within(2...5)
    itemCount = random.within(3...6)
    startingStock = Int64(random.within(2...12))
    startingCredit = Int64(random.within(20...120))
    var limits = TenancyLimits()
    limits.core.stepEntriesMax = random.within(1...6)
    limits.core.residentMax = random.percent(60) ? random.within(1...8) : 200_000
    limits.core.evictionScanMax = random.within(4...64)
    limits.core.loadKeysMax = random.within(1...8)
    limits.core.waitingReadsMax = random.within(1...16)
    limits.core.dirtyMax = random.within(6...40)
    limits.core.checkpointEntitiesDue = random.within(2...6)
    limits.stream.queuedInputsMax = random.within(4...40)
    limits.stream.unacknowledgedInputsMax = random.within(1...12)
    limits.stream.frameInputsMax = random.within(1...4)
    limits.stream.sessionLifeMilliseconds = random.percent(50) ? Int64(random.within(4_000...20_000)) : 3_600_000
    limits.turnInputsMax = random.within(1...8)
    limits.heldRecordsMax = random.within(1...8)
    limits.unreceivedRepliesMax = 65_536
    limits.shrunkenLogMilliseconds = 1_200
    limits.cautiousInputs = random.within(1...3)
    stepMillisecondsMax = random.percent(30) ? 1 : 7
    limits.leaseMilliseconds = Int64(
      stepMillisecondsMax == 1 || random.percent(50) ? random.within(50...400) : random.within(400...2_000))
    var ingestRandom = SeededRandom(seed: seed ^ 0x16e57)
    let hasIngest = ingestRandom.percent(50) && !isPlain
    self.hasIngest = hasIngest
    ingestUndurableMax = ingestRandom.within(1...12)
    limits.turnIngestMax = ingestRandom.within(1...6)
    limits.unreportedRefusalsMax = ingestRandom.within(1...6)
    hasKeysExpire = random.percent(30)
    // Numbers of its own, as above: seeds without it run as if there were no retention.
    var retentionRandom = SeededRandom(seed: seed ^ 0x5eeb)
    let hasRetention = retentionRandom.percent(40) && !isPlain
    self.hasRetention = hasRetention
    // Sweeps find half of it free.
    if hasRetention, retentionRandom.percent(60) { limits.core.dirtyMax *= 4 }
    self.limits = limits
    limitsChangePercent = [0, 30, 100][random.below(3)]
    appendUnknownPercent = [0, 5, 25][random.below(3)]
    storeFailurePercent = [0, 5, 25][random.below(3)]
    loadDelayPercent = [0, 30, 85][random.below(3)]
    earlyReadPercent = [2, 10, 40][random.below(3)]
    checkpointPercent = [1, 5, 30][random.below(3)]
    notifiedPercent = [30, 80, 100][random.below(3)]
    weights = FleetAction.allCases.map { action in
      if action == .sweep || action == .age, !hasRetention { return 0 }
      if action.isOfIngest, !hasIngest { return 0 }
      if action.isFault, random.percent(35) { return 0 }
      return max(1, action.weight * random.within(50...200) / 100)
    }
  }

  /// The shortest retentions that there are: `FleetAction.age` passes one or two of them.
  private static func retention(_ random: inout SeededRandom) -> Int64 {
    RuleLimits.orderRetentionMillisecondsMin + Int64(random.below(3_600_000))
  }

  func ruleLimits(_ random: inout SeededRandom) -> RuleLimits {
    RuleLimits(
      orderLinesMax: random.within(2...6), orderWaitersMax: random.within(1...4), itemParkedMax: random.within(1...4),
      idempotencyExpiryMilliseconds: hasKeysExpire
        ? Int64(random.within(300...3_000)) : RuleLimits.Highest.idempotencyExpiryMilliseconds,
      orderRetentionMilliseconds: hasRetention && random.percent(85) ? Self.retention(&random) : nil)
  }
}

/// How often things happened in fleets, so that a green run means something.
struct FleetTally: Hashable, Sendable {
  var requests = 0
  var checkoutsPaid = 0
  var checkoutsRefused = 0
  var replayed = 0
  var skipped = 0
  var undecidable = 0
  var unknown = 0
  var reads = 0
  var readsForwarded = 0
  var records = 0
  var voidRecords = 0
  var unknownAppends = 0
  var repeatedAppends = 0
  var takeovers = 0
  var superseded = 0
  var lost = 0
  var left = 0
  var stopped = 0
  var releases = 0
  var leaseWaits = 0
  var crashes = 0
  var pauses = 0
  var cuts = 0
  var disconnects = 0
  /// Inputs of streams that were requested again.
  var refusedInputs = 0
  /// Records that an owner which replays never got.
  var gaps = 0
  var clockJumps = 0
  /// How often a partition got other limits to decide under.
  var limitsChanged = 0
  var loads = 0
  /// Rows that were older than the store's when they arrived.
  var loadsOvertaken = 0
  /// Checkpoints that the store wrote after their owners had ended.
  var checkpointsAfterEnd = 0
  var checkpoints = 0
  var evictions = 0
  var fenced = 0
  var setBack = 0
  var restored = 0
  var poisoned = 0
  var amputated = 0
  var parked = 0
  var sweeps = 0
  var ordersRemoved = 0
  /// Payments of checkouts, and by hand, that were forgotten with their orders.
  var paymentsForgotten = 0
  var paymentsByHandForgotten = 0
  /// Old orders that a sweep left because their checkout was under way.
  var ordersSpared = 0
  /// What other systems wrote; how often it was read again; refusals that were written down; readers that stopped
  /// because something was lost.
  var fed = 0
  var ingestReread = 0
  var ingestRefused = 0
  var ingestStopped = 0

  mutating func add(_ other: FleetTally) {
    for path in Self.all { self[keyPath: path] += other[keyPath: path] }
  }

  static var all: [WritableKeyPath<FleetTally, Int>] {
    [
      \.requests, \.checkoutsPaid, \.checkoutsRefused, \.replayed, \.skipped, \.undecidable, \.unknown, \.reads,
      \.readsForwarded, \.records, \.voidRecords, \.unknownAppends, \.repeatedAppends, \.takeovers, \.superseded,
      \.lost, \.left, \.stopped, \.releases, \.leaseWaits, \.crashes, \.pauses, \.cuts, \.disconnects,
      \.refusedInputs, \.gaps, \.clockJumps, \.limitsChanged, \.loads, \.loadsOvertaken, \.checkpointsAfterEnd,
      \.checkpoints, \.evictions, \.fenced, \.setBack, \.restored, \.poisoned, \.amputated, \.parked,
      \.sweeps, \.ordersRemoved, \.paymentsForgotten, \.paymentsByHandForgotten, \.ordersSpared,
      \.fed, \.ingestReread, \.ingestRefused, \.ingestStopped,
    ]
  }
}
