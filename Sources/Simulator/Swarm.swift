import PartitionCore

/// What can happen next in a world.
enum Action: Int, CaseIterable, Sendable {
  case request, read, `repeat`, append, turn, store, sync, giveUp
  case crashMachine, crashOwner, restart, acquire, replace, endZombie
  case poison, quarantine, gap, clock

  /// How often it happens, in relation to the others.
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
    }
  }

  /// Whether a seed may go without it.
  var isFault: Bool {
    switch self {
    case .crashMachine, .crashOwner, .restart, .replace, .poison, .gap, .clock, .repeat, .giveUp: true
    default: false
    }
  }
}

/// What one seed's world is like. Each seed has other bounds, other faults and another mix of them ("swarm testing"),
/// for what never happens together in a world where everything is equally likely.
struct Swarm: Sendable {
  let partitionCount: Int
  let userCount: Int
  let itemCount: Int
  let limits: CoreLimits
  /// By `Action.rawValue`.
  let weights: [Int]
  /// In percent: how much of a turn is done at once.
  let turnPercent: Int
  /// In percent: how often a turn appends the messages that it put out.
  let flushPercent: Int
  /// In percent: how often the store answers a load instead of working for a checkpoint.
  let loadPercent: Int
  /// In percent: how often somebody asks for an order that will be made soon.
  let earlyReadPercent: Int
  let storeFailurePercent: Int
  let replyLostPercent: Int
  let appendLostPercent: Int
  let startingStock: Int64
  let startingCredit: Int64

  init(seed: UInt64, bug: PlantedBug?) {
    var random = SeededRandom(seed: seed ^ 0x5eed)
    partitionCount = random.within(1...3)
    userCount = random.within(2...5)
    itemCount = random.within(3...6)
    var limits = CoreLimits()
    limits.stepEntriesMax = random.within(1...6)
    let isLoadRaced = bug == .loadOlderThanMemory
    limits.residentMax = !isLoadRaced && random.percent(70) ? random.within(1...8) : 200_000
    limits.evictionScanMax = random.within(4...64)
    limits.loadKeysMax = random.within(1...8)
    limits.waitingReadsMax = random.within(1...16)
    limits.orderLinesMax = random.within(2...6)
    limits.orderWaitersMax = random.within(1...4)
    limits.itemParkedMax = random.within(1...5)
    limits.idempotencyExpiryMilliseconds = random.percent(60) ? 86_400_000 : Int64(random.within(500...20_000))
    limits.dirtyMax = random.within(6...40)
    limits.checkpointEntitiesDue = random.within(2...6)
    self.limits = limits
    weights = Action.allCases.map { action in
      let factor = (action.isFault ? [0, 1, 1, 3] : [1, 2, 2, 3])[random.below(4)]
      if bug == .checkpointBeforeDurable && action == .sync { return action.weight / 4 }
      return action.weight * (bug?.wants.contains(action) == true ? 4 : factor)
    }
    turnPercent = random.within(60...95)
    flushPercent = bug == .checkpointBeforeOutputs ? 8 : [15, 50, 95][random.below(3)]
    loadPercent = isLoadRaced ? 3 : [10, 40, 60][random.below(3)]
    earlyReadPercent = isLoadRaced ? 60 : [2, 10, 40][random.below(3)]
    storeFailurePercent = [0, 5, 20][random.below(3)]
    replyLostPercent = [0, 10, 30][random.below(3)]
    appendLostPercent = [0, 5, 20][random.below(3)]
    startingStock = Int64(random.within(1...10))
    startingCredit = Int64(random.within(20...400))
  }
}

extension PlantedBug {
  /// The faults that it needs to come to light, so that a few seeds are enough.
  fileprivate var wants: [Action] {
    switch self {
    case .dedupOff, .chargeTwiceOnReplay, .idempotencyNotStored: [.crashOwner, .repeat]
    case .checkpointBeforeDurable, .checkpointBeforeOutputs, .replyBeforeDurable: [.crashMachine, .crashOwner]
    case .epochNotCheckedAtWrite, .epochNotCheckedAtLoad, .staleZombieCheckpoint: [.replace]
    case .offsetSavedApart, .readDuringReplay, .timeFromClock, .dirtyEvicted: [.crashOwner]
    case .loadOlderThanMemory: [.read, .store, .sync, .append]
    case .gapNotNoticed: [.gap]
    default: []
    }
  }
}
