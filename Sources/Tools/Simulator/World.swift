import Model
import PartitionCore

/// A whole Kassa in one thread: the product's partition loops, and around them a log, a store, a network, clocks and
/// clients in which everything that can go wrong does, in an order that follows from the seed alone.
///
/// Nothing here may depend on a clock, on the process, or on the order of a `Set` or `Dictionary`.
final class World {
  let swarm: Swarm
  let bug: PlantedBug?
  let layout: Layout
  var random: SeededRandom
  var log: SimulatedLog
  var store: SimulatedStore
  let auditor: Auditor
  var clients: Clients
  var pods: Pods
  /// The configuration of each pod when it started; a world with a single process has one.
  var configured: [RuleLimits] = []
  /// In the order in which they started, including zombies.
  var owners: [Owner] = []
  var tally = Tally()
  /// Milliseconds; every appender's clock deviates from it.
  var clock: Int64 = 1_000_000
  /// Checkpoints requested by owners that are gone; they may still be written.
  var orphans: [(batch: CheckpointBatch, epoch: UInt64)] = []
  /// Offsets whose record nobody can apply.
  var poison: Set<Place> = []
  var hash = RunHash()
  /// The run is over: no more faults.
  var isResting = false
  private var nextOwner = 1
  private var ended: String?

  struct Place: Hashable {
    let partition: PartitionID
    let offset: Int64
  }

  init(seed: UInt64, bug: PlantedBug?) {
    swarm = Swarm(seed: seed, bug: bug)
    self.bug = bug
    // A swarm only chooses valid partition counts.
    layout = Layout(partitioner: Partitioner(count: swarm.partitionCount) ?? Self.single)
    random = SeededRandom(seed: seed)
    log = SimulatedLog(layout: layout)
    store = SimulatedStore(layout: layout, bug: bug)
    auditor = Auditor(layout: layout, firstRules: Rules.oldest, hasKeysExpire: swarm.hasKeysExpire)
    clients = Clients(swarm: swarm)
    pods = Pods(count: swarm.cluster?.podCount ?? 0, random: &random)
    let limits = swarm.ruleLimits(&random)
    configured = Array(repeating: limits, count: max(1, pods.all.count))
  }

  var choices: CommandChoices {
    CommandChoices(
      userCount: swarm.userCount, itemCount: swarm.itemCount, earlyReadPercent: swarm.earlyReadPercent,
      opening: clients.opening(layout))
  }

  /// Whether partitions change owners through the log, between several processes.
  var isCluster: Bool { swarm.cluster != nil }

  /// The first thing that went wrong.
  var violation: String? { auditor.violation ?? ended }

  func fail(_ sentence: String) {
    if ended == nil { ended = sentence }
  }

  /// Runs this many steps, then lets everything come to rest and audits what is left.
  func run(steps: Int) {
    for command in clients.opening(layout) { submit(command) }
    for partition in layout.partitions { acquire(partition) }
    for _ in 0..<steps where violation == nil {
      let passed = Int64(random.below(isCluster ? 10 : 20))
      clock += passed
      pods.pass(passed)
      guard let action = Action(rawValue: random.place(in: swarm.weights)) else { break }
      hash.fold(UInt64(action.rawValue))
      perform(action)
    }
    if violation == nil { comeToRest() }
    if violation == nil { auditEnd() }
    tally.duplicates = auditor.duplicates
    tally.parked = auditor.parkedCount
    tally.limitsChanged = auditor.limitsChanged
    tally.fenced = store.fencedCount
    tally.records = log.rows.count
    for owner in owners { tally.evictions += Int(owner.driver.evictions) }
  }

  private func perform(_ action: Action) {
    switch action {
    case .request: request()
    case .read: read()
    case .repeat: repeatRequest()
    case .append: append()
    // Takeovers must end before successors arrive.
    case .turn: for _ in 0..<(isCluster ? 3 : 1) { if let owner = random.pick(owners) { turn(owner) } }
    case .store: for _ in 0..<(isCluster ? 8 : 1) { storeWork() }
    case .sync: sync(random.within(1...20))
    case .giveUp: giveUp()
    case .crashMachine: crashMachine()
    case .crashOwner: if let owner = random.pick(owners) { crash(owner) }
    case .pause: pausePod()
    case .cut: cutPod()
    case .restart: restart()
    case .acquire: if let partition = random.pick(layout.partitions) { acquire(partition) }
    case .replace: replace()
    case .endZombie: if !isCluster, let zombie = random.pick(owners.filter(\.isZombie)) { remove(zombie) }
    case .poison: appendPoison()
    case .quarantine: quarantine()
    case .gap: if let owner = random.pick(owners) { skip(owner) }
    case .clock:
      clock = max(0, clock + Int64(random.within(-30_000...30_000)))
      tally.clockJumps += 1
    }
  }

  // MARK: Owners

  func owner(of partition: PartitionID) -> Owner? { owners.first { $0.partition == partition && !$0.isZombie } }

  /// Gives a partition an owner, if it has none.
  func acquire(_ partition: PartitionID) {
    guard owner(of: partition) == nil else { return }
    let pod = podToOwn(partition)
    if isCluster && pod == nil { return }
    do {
      let (epoch, recovery) = try store.acquire(partition)
      if !isCluster { reconfigure(0) }
      if let header = recovery.header, header.offset >= readableCount(of: partition) {
        return fail("the store of \(partition) is ahead of its log, at offset \(header.offset)")
      }
      let driver = Self.makeDriver(
        partition, layout, swarm.limits, presented(recovery, of: partition, on: pod ?? 0), bug: bug)
      let owner = Owner(
        partition: partition, epoch: epoch, number: nextOwner, pod: pod ?? 0, limits: configured[pod ?? 0],
        driver: driver, replayEnd: log.count(of: partition))
      owners.append(owner)
      nextOwner += 1
      beginTenure(owner)
    } catch {
      fail("the store's rows of \(partition) cannot be read: \(error)")
    }
  }

  /// How many of a partition's records owners may read: in a cluster only the durable ones.
  func readableCount(of partition: PartitionID) -> Int {
    isCluster ? log.durableCount(of: partition) : log.count(of: partition)
  }

  func remove(_ owner: Owner) {
    owner.isGone = true
    tally.evictions += Int(owner.driver.evictions)
    owners.removeAll { $0 === owner }
    // Before a successor shows anything, it must know everything its zombie has shown.
    if owner.isZombie, let successor = self.owner(of: owner.partition) {
      successor.replayEnd = max(successor.replayEnd, owner.nextOffset)
    }
  }

  /// The log becomes durable a little further, and the auditor reads it.
  func sync(_ count: Int) {
    for place in log.sync(count) where violation == nil { auditor.read(log.rows[place]) }
    hash.fold(UInt64(log.durableCount))
  }

  func append(_ record: Record, to partition: PartitionID) -> LogPosition {
    let position = log.append(record, to: partition)
    if let row = log.rows.last { hash.fold(row.bytes) }
    return position
  }
}

/// A hash of everything a run did, so that two runs of a seed can be compared.
struct RunHash: Sendable {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func fold(_ word: UInt64) {
    value = (value ^ word) &* 0x0000_0100_0000_01b3
    value ^= value >> 29
  }

  mutating func fold(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { bytes in
      for word in 0..<(bytes.count / 8) { fold(bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)) }
      for place in (bytes.count / 8 * 8)..<bytes.count { fold(UInt64(bytes[place])) }
    }
  }
}
