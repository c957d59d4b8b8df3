import Model
import PartitionCore

/// What can happen next in a world.
enum Action: Int, CaseIterable, Sendable {
  case request, read, `repeat`, append, turn, store, sync, giveUp
  case crashMachine, crashOwner, restart, acquire, replace, endZombie
  case poison, quarantine, gap, clock
  case pause, cut

  /// How often it happens, relative to the others.
  var weight: Int {
    switch self {
    case .turn: 400
    case .store: 140
    case .append: 80
    case .request: 40
    case .sync: 60
    case .read: 30
    case .acquire: 30
    case .repeat: 15
    case .giveUp, .endZombie: 4
    case .restart, .crashOwner, .replace: 2
    case .crashMachine, .clock: 1
    case .quarantine: 8
    case .poison, .gap: 1
    case .pause, .cut: 2
    }
  }

  /// Whether it ends owners. Such actions are rarer in a cluster, or no owner would live long enough to have a
  /// successor.
  var isEnd: Bool {
    switch self {
    case .crashMachine, .crashOwner, .restart, .poison, .gap: true
    default: false
    }
  }

  /// Whether a seed may leave it out.
  var isFault: Bool {
    switch self {
    case .crashMachine, .crashOwner, .restart, .replace, .poison, .gap, .clock, .repeat, .giveUp,
      .pause, .cut:
      true
    default: false
    }
  }
}

/// One seed's world. Each seed has other bounds, other faults and another mix of them ("swarm testing"), to reach
/// combinations that never occur in a world where everything is equally likely.
struct Swarm: Sendable {
  /// How partitions change owners through the log; nil in a world with a single process.
  let cluster: Cluster?
  let partitionCount: Int
  let userCount: Int
  let itemCount: Int
  let limits: CoreLimits
  /// In percent: how often a starting process is configured with other limits than the one before it.
  let limitsChangePercent: Int
  /// Whether idempotency keys expire within a run.
  let hasKeysExpire: Bool
  /// By `Action.rawValue`.
  let weights: [Int]
  /// In percent: how much of a turn's work is done at once.
  let turnPercent: Int
  /// In percent: how often a turn appends its outgoing messages.
  let flushPercent: Int
  /// In percent: how often the store answers a load instead of working for a checkpoint.
  let loadPercent: Int
  /// In percent: how often somebody asks for an order that will be made soon.
  let earlyReadPercent: Int
  let storeFailurePercent: Int
  /// In percent: how many replies are lost, or in a cluster are late and are lost if their pod dies.
  let replyLostPercent: Int
  /// In percent: how often a reply in transit between pods arrives with a turn.
  let tellPercent: Int
  let appendLostPercent: Int
  let startingStock: Int64
  let startingCredit: Int64

  struct Cluster: Sendable {
    let podCount: Int
    let leaseMilliseconds: Int64
    /// Records delivered to an owner at a time; a low number makes it lag.
    let deliveriesMax: Int
    /// In percent: how often an owner asks for a checkpoint in its turn. An owner that seldom does learns late from the
    /// store that it was replaced.
    let checkpointPercent: Int
    /// In percent: how often a replaced owner gets nothing from the log or the store when it could.
    let zombieDelayPercent: Int
    /// Reads that arrive at once.
    let readsMax: Int
  }

  /// `Owned` is sent again if it has not come back after this long.
  var announcedAgainMilliseconds: Int64 { cluster?.leaseMilliseconds ?? 0 }

  init(seed: UInt64, bug: PlantedBug?) {
    var random = SeededRandom(seed: seed ^ 0x5eed)
    cluster = Self.cluster(seed, bug)
    let isCluster = cluster != nil
    partitionCount = random.within(1...(isCluster ? 2 : 3))
    userCount = random.within(2...5)
    itemCount = random.within(3...6)
    var limits = CoreLimits()
    limits.stepEntriesMax = random.within(1...6)
    let isLoadRaced = bug == .loadOlderThanMemory
    limits.residentMax =
      !isLoadRaced && random.percent(bug?.wantsBlindZombies == true ? 0 : isCluster ? 40 : 70)
      ? random.within(1...8) : 200_000
    limits.evictionScanMax = random.within(4...64)
    limits.loadKeysMax = random.within(1...8)
    limits.waitingReadsMax = random.within(1...16)
    hasKeysExpire = random.percent(40)
    limitsChangePercent = bug == .limitsConfigured ? 100 : [0, 30, 100][random.below(3)]
    limits.dirtyMax = random.within(6...40)
    limits.checkpointEntitiesDue = random.within(2...6)
    self.limits = limits
    weights = Action.allCases.map { action in
      let factor = (action.isFault ? [0, 1, 1, 3] : [1, 2, 2, 3])[random.below(4)]
      if !isCluster && (action == .pause || action == .cut) { return 0 }
      if bug == .checkpointBeforeDurable && action == .sync { return action.weight / 4 }
      let rarity = isCluster && !action.isEnd ? 3 : 1
      return action.weight * rarity * (bug?.wants.contains(action) == true ? 4 : factor)
    }
    turnPercent = random.within(60...95)
    flushPercent = bug == .checkpointBeforeOutputs ? 8 : [15, 50, 95][random.below(3)]
    loadPercent = isLoadRaced ? 3 : [10, 40, 60][random.below(3)]
    earlyReadPercent = isLoadRaced ? 60 : [2, 10, 40][random.below(3)]
    storeFailurePercent = [0, 5, 20][random.below(3)]
    let replyLost = [0, 10, 30][random.below(3)]
    replyLostPercent = bug == .checkpointBeforeReplies ? 30 : replyLost
    tellPercent = bug == .checkpointBeforeReplies ? 1 : [2, 20, 80][random.below(3)]
    appendLostPercent = [0, 5, 20][random.below(3)]
    startingStock = Int64(random.within(1...10))
    startingCredit = Int64(random.within(20...400))
  }
}

extension Swarm {
  /// Limits that a process may be configured with: low enough to be reached.
  func ruleLimits(_ random: inout SeededRandom) -> RuleLimits {
    RuleLimits(
      orderLinesMax: random.within(2...6), orderWaitersMax: random.within(1...4),
      itemParkedMax: random.within(1...5),
      idempotencyExpiryMilliseconds: hasKeysExpire ? Int64(random.within(500...20_000)) : 86_400_000)
  }

  /// Half of the seeds are clusters, unless the planted bug is only possible in one kind of world.
  private static func cluster(_ seed: UInt64, _ bug: PlantedBug?) -> Cluster? {
    var random = SeededRandom(seed: seed ^ 0xc105)
    let isCluster = random.percent(50)
    guard bug?.isOfTenure ?? isCluster else { return nil }
    let isBlind = bug?.wantsBlindZombies == true
    return Cluster(
      podCount: random.within(2...4),
      leaseMilliseconds: bug?.wantsLongLeases == true ? 1_500 : [250, 600, 1_500][random.below(3)],
      deliveriesMax: bug?.wantsDelay == true ? 1 : [1, 4, 16][random.below(3)],
      checkpointPercent: isBlind ? 1 : bug == .checkpointBeforeReplies ? 25 : [1, 5, 25][random.below(3)],
      zombieDelayPercent: isBlind ? 98 : [20, 70, 97][random.below(3)],
      readsMax: isBlind ? 12 : random.within(2...8))
  }
}

extension PlantedBug {
  /// Whether it only shows in owners that read the log late.
  fileprivate var wantsDelay: Bool { self == .leaseFromReturn || self == .staleTickAccepted }

  /// Whether the store would end a replaced owner before the bug shows.
  fileprivate var wantsBlindZombies: Bool { wantsDelay || wantsLongLeases }

  /// Whether it only shows while a replaced owner's lease lasts.
  fileprivate var wantsLongLeases: Bool { self == .noHoldBack || self == .releasedWhileServing }

  /// The faults needed to reveal it within a few seeds.
  fileprivate var wants: [Action] {
    switch self {
    case .dedupOff, .chargeTwiceOnReplay, .idempotencyNotStored: [.crashOwner, .repeat]
    case .checkpointBeforeDurable, .checkpointBeforeOutputs, .replyBeforeDurable: [.crashMachine, .crashOwner]
    case .epochNotCheckedAtWrite, .epochNotCheckedAtLoad, .staleZombieCheckpoint: [.replace]
    case .offsetSavedApart, .readDuringReplay, .timeFromClock, .dirtyEvicted: [.crashOwner]
    case .loadOlderThanMemory: [.read, .store, .sync, .append]
    case .gapNotNoticed: [.gap]
    case .limitsConfigured: [.crashOwner, .crashMachine]
    case .leaseNotChecked, .supersededGoesOn, .ownedNotCompared: [.replace, .read, .cut]
    case .noHoldBack, .releasedWhileServing: [.replace, .read, .append]
    case .leaseFromReturn, .staleTickAccepted: [.replace, .read, .pause, .cut]
    case .checkpointOfHeld: [.replace, .crashOwner]
    case .checkpointBeforeReplies: [.crashOwner]
    case .fenceIgnored: [.replace, .cut]
    default: []
    }
  }
}
