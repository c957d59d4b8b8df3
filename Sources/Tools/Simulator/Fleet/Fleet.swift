import Model
import Orders
import PartitionCore
import Payments
import Stock
import Streams
import Tenancy

/// A whole cluster in one thread, in which each partition has one writer: the product's tenures and streams, and around
/// them logs, a store, connections, clocks and clients in which everything that can go wrong does, in an order that
/// follows from the seed alone.
///
/// Nothing here makes a decision that is the product's: owners do what `Tenancy` asks for.
final class Fleet {
  let swarm: FleetSwarm
  /// Mistakes of the machine, and around it.
  let planted: TenancyBug?
  let bug: PlantedBug?
  let layout: Layout
  var random: SeededRandom
  let auditor: Auditor
  var clock: Int64 = 1_800_000_000_000
  /// How far all wall clocks are ahead of that: days in which nothing happens.
  var age: Int64 = 0
  var pods: [FleetPod] = []
  var logs: [FleetLog]
  var filters: [NaiveFilter]
  var appends: [FleetAppend] = []
  var store: FleetStore
  /// Checkpoints requested by tenures that are gone; they may still be written.
  var orphans: [FleetOrphan] = []
  /// By sending and receiving pod: what is in transit.
  var links: [[[Packet]]]
  /// Until when a pod is cut off from the log, the store or the other pods, in the world's time.
  var cutFromLog: [Int64]
  var cutFromStore: [Int64]
  var cutFromPeers: [Int64]
  /// Confirmations that a sleeping pod finds when it wakes.
  var confirmations: [(pod: Int, run: UInt64, slot: Int, owner: OwnerID, number: UInt64, offset: Int64?)] = []
  /// By slot: the newest owner that announced itself in the map.
  var announced: [(owner: OwnerID, pod: Int)?]
  /// Which pod the group wants to own each slot.
  var wanted: [Int]
  var clients = FleetClients()
  /// By slot.
  var ingestLogs: [FleetIngestLog]
  /// What other systems sent under keys, and may send again.
  var fed: [FleetClients.Request] = []
  var tally = FleetTally()
  var hash = RunHash()
  var isResting = false
  /// Slots that hold an input that cannot be applied.
  var poisoned: Set<Int> = []
  /// Partitions that every owner knows to be stopped.
  var stopped: Set<PartitionID> = []
  /// A slot whose log has lost records.
  var amputated: Int?
  /// The time of each slot's newest record, to check that time never runs backwards.
  var newestTime: [Timestamp]
  private var nextRun: UInt64 = 1
  private var ended: String?

  init(seed: UInt64, planted: PlantedMistake?, isPlain: Bool = false) {
    swarm = FleetSwarm(seed: seed, isPlain: isPlain)
    self.planted = planted?.machineBug
    bug = planted?.fleetBug
    layout = Layout(partitioner: Partitioner(count: swarm.partitionCount) ?? Layout.single)
    random = SeededRandom(seed: seed)
    auditor = Auditor(layout: layout, firstRules: Rules.oneWriter, hasKeysExpire: swarm.hasKeysExpire)
    let slots = layout.slotCount
    logs = Array(repeating: FleetLog(), count: slots)
    filters = Array(repeating: NaiveFilter(), count: slots)
    ingestLogs = (0..<slots).map { FleetIngestLog(slot: $0) }
    store = FleetStore(layout: layout, bug: bug)
    newestTime = Array(repeating: .zero, count: slots)
    let count = swarm.podCount
    links = Array(repeating: Array(repeating: [], count: count), count: count)
    cutFromLog = Array(repeating: 0, count: count)
    cutFromStore = Array(repeating: 0, count: count)
    cutFromPeers = Array(repeating: 0, count: count)
    announced = Array(repeating: nil, count: slots)
    wanted = (0..<slots).map { $0 % count }
    let limits = swarm.ruleLimits(&random)
    for index in 0..<count { pods.append(makePod(index, limits)) }
  }

  /// How long readers may see less of a log than was acknowledged; shorter than owners wait for it.
  static let hiddenMilliseconds: Int64 = 200

  func makePod(_ index: Int, _ limits: RuleLimits) -> FleetPod {
    defer { nextRun += 1 }
    return FleetPod(index: index, run: nextRun, layout: layout, limits: limits, stream: swarm.limits.stream)
  }

  var choices: CommandChoices {
    CommandChoices(
      userCount: swarm.userCount, itemCount: swarm.itemCount, earlyReadPercent: swarm.earlyReadPercent,
      opening: clients.opening(swarm))
  }

  /// The first thing that went wrong.
  var violation: String? { auditor.violation ?? ended ?? store.flaw }

  func fail(_ sentence: String) { if ended == nil { ended = sentence } }

  func isAwake(_ pod: FleetPod) -> Bool { pod.pausedUntil <= clock }

  /// Runs this many steps, then lets everything come to rest and audits what is left.
  func run(steps: Int) {
    for command in clients.opening(swarm) { submit(command) }
    for _ in 0..<steps where violation == nil { step() }
    if violation == nil { comeToRest() }
    if violation == nil { auditEnd() }
    if violation == nil, random.percent(30) { amputate() }
    tally.fenced = store.fencedCount
    tally.setBack = store.setBackCount
    tally.parked = auditor.parkedCount
    tally.limitsChanged = auditor.limitsChanged
    tally.ordersRemoved = auditor.removal.orders
    tally.paymentsForgotten = auditor.removal.forgotten
    tally.paymentsByHandForgotten = auditor.removal.forgottenByHand
    tally.ordersSpared = auditor.removal.spared
  }

  func step() {
    clock += Int64(random.within(0...swarm.stepMillisecondsMax))
    showInTime()
    guard let action = FleetAction(rawValue: random.place(in: swarm.weights)) else { return }
    hash.fold(UInt64(action.rawValue))
    perform(action)
  }

  /// After a while a partition's leader knows how much of its log everybody has.
  func showInTime() {
    for slot in logs.indices where clock - (logs[slot].hiddenSince ?? clock) > Self.hiddenMilliseconds {
      logs[slot].showAll()
    }
  }

  private func perform(_ action: FleetAction) {
    switch action {
    case .request: request()
    case .read: read()
    case .repeat: repeatRequest()
    case .giveUp: giveUp()
    case .deliver: for _ in 0..<random.within(1...4) { deliverPacket() }
    case .turn: turn()
    case .append: for _ in 0..<random.within(1...3) { appendNext() }
    case .readLog: readLog()
    case .store: for _ in 0..<random.within(1...3) { storeWork() }
    case .tend: tend()
    case .rebalance: wanted[random.below(wanted.count)] = random.below(pods.count)
    case .leave: leave()
    case .crash: crash(random.below(pods.count))
    case .pause: pause()
    case .cut: cut()
    case .disconnect: disconnect(random.below(pods.count), random.below(pods.count))
    case .hide: logs[random.below(logs.count)].hide(random.within(0...2), at: clock, for: Self.hiddenMilliseconds)
    case .show: for slot in logs.indices { logs[slot].showAll() }
    case .clock: setClock()
    case .gap: leaveOut()
    case .poison: poison()
    case .quarantine: quarantine()
    case .copy: store.copy(random.below(logs.count))
    case .restore: restore()
    case .sweep: sweep()
    case .age: passDays()
    case .feed: feed()
    case .ingest: ingestWork()
    case .retain: retain()
    case .skipLost: skipLost()
    }
  }

  // MARK: Tenures

  /// The seat and pod of a random tenure of a pod that is awake.
  func randomSeat(where isWanted: (Seat) -> Bool = { _ in true }) -> (FleetPod, Int, Seat)? {
    var all: [(FleetPod, Int, Seat)] = []
    for pod in pods where isAwake(pod) {
      for (slot, seat) in pod.seats.enumerated() { if let seat, isWanted(seat) { all.append((pod, slot, seat)) } }
    }
    return all.isEmpty ? nil : all[random.below(all.count)]
  }

  /// Acquires a partition for a pod.
  func acquire(_ slot: Int, for pod: FleetPod, above epoch: UInt64 = 0) {
    // Another owner's record in the place of a lost one would hide the loss: no owner could see it.
    guard cutFromStore[pod.index] <= clock, amputated != slot else { return }
    let (given, recovery) = store.acquire(slot, above: max(epoch, pod.epochs[slot]))
    pod.epochs[slot] = given
    let partition = layout.partitions[slot]
    let owner = OwnerID(epoch: given, run: pod.run)
    let tenancy = makeTenancy(partition, owner, presented(recovery, pod.limits), pod.limits)
    pod.seats[slot] = Seat(tenancy, announcedAt: clock, nextOffset: (recovery.header?.offset ?? -1) + 1)
    tally.takeovers += 1
    announce(slot, of: pod, owner)
  }

  private func makeTenancy(
    _ partition: PartitionID, _ owner: OwnerID, _ recovery: Recovery, _ limits: RuleLimits
  ) -> any TenancyDriver {
    func make<Machine: StateMachine>(_ machine: Machine.Type) -> any TenancyDriver {
      Tenancy<Machine>(
        partition: partition, owner: owner, partitioner: layout.partitioner, mode: .shared, limits: swarm.limits,
        wantedLimits: limits, wantedRules: Rules.current, recovery: recovery, planted: planted)
    }
    switch (partition.service, bug) {
    case (.payments, .chargedTwice): return make(ChargingTwice.self)
    case (.stock, .releasedTwice): return make(ReleasingTwice.self)
    case (.stock, .partialHold): return make(HoldingInPart.self)
    case (.orders, .linesNotMerged): return make(NotMerging.self)
    case (.orders, .sweptUnderWay): return make(SweepingUnderWay.self)
    case (.payments, .forgottenUncounted): return make(ForgettingUncounted.self)
    case (.orders, .dirtyEvicted): return make(Forgetting<OrdersMachine>.self)
    case (.stock, .dirtyEvicted): return make(Forgetting<StockMachine>.self)
    case (.payments, .dirtyEvicted): return make(Forgetting<PaymentsMachine>.self)
    case (.orders, .loadOlderThanMemory): return make(Overwriting<OrdersMachine>.self)
    case (.payments, .loadOlderThanMemory): return make(Overwriting<PaymentsMachine>.self)
    case (.orders, _): return make(OrdersMachine.self)
    case (.stock, _): return make(StockMachine.self)
    case (.payments, _): return make(PaymentsMachine.self)
    }
  }

  func announce(_ slot: Int, of pod: FleetPod, _ owner: OwnerID) {
    guard let announced = Model.Owner(epoch: owner.epoch, incarnation: owner.run, address: "pod-\(pod.index)") else {
      return
    }
    pod.seats[slot]?.announcedAt = clock
    appends.append(
      FleetAppend(pod: pod.index, run: pod.run, slot: slot, owner: owner, record: .owned(announced)))
  }

  /// Performs what a tenure asks for, and checks whether it has ended.
  func perform(_ actions: TenancyActions, _ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    let tenancy = seat.tenancy
    for record in actions.appends {
      appends.append(
        FleetAppend(pod: pod.index, run: pod.run, slot: slot, owner: tenancy.owner, record: record))
    }
    if let offset = actions.readBackFrom {
      seat.isReadingBack = true
      seat.nextOffset = offset
    }
    for word in actions.acknowledgements { send(.acknowledgement(word), from: pod, to: word.source) }
    for word in actions.greetings { send(.greeting(word), from: pod, to: word.source) }
    for word in actions.gaps {
      tally.refusedInputs += 1
      send(.gap(word), from: pod, to: word.source)
    }
    noteIngest(actions, slot, seat)
    for reply in actions.replies { reveal(reply, pod, slot, tenancy.owner) }
    for (request, view) in actions.answers { reveal(view, for: request, from: pod) }
    for (query, request) in actions.forwarded {
      send(.readRefused(query, request), from: pod, toRun: request.incarnation)
    }
    if !actions.loads.isEmpty {
      if !seat.load.isNone { fail("\(tenancy.partition) loads twice at a time") }
      seat.load = .asked(actions.loads)
      tally.loads += 1
    }
    if let successor = actions.releasedTo {
      tally.releases += 1
      if let known = pod.owners[slot], known.owner == successor {
        send(.released(tenancy.owner, slot, to: successor), from: pod, to: known.pod)
      }
    }
    sendMessages(pod, slot, seat)
    noticeEnd(pod, slot, seat)
  }

  private func sendMessages(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    guard seat.tenancy.ending == nil else { return }
    for destination in seat.tenancy.destinations {
      guard let known = pod.owners[layout.slot(destination)] else { continue }
      if seat.tenancy.awaitsGreeting(from: destination, of: known.owner) {
        if seat.tenancy.isReplaying { fail("\(seat.tenancy.partition) asks before it has replayed") }
        guard seat.greetingsAsked[destination] != known.owner else { continue }
        seat.greetingsAsked[destination] = known.owner
        send(
          .hello(
            .partition(seat.tenancy.partition), layout.slot(destination), known.owner,
            asker: seat.tenancy.owner.epoch), from: pod, to: known.pod)
        continue
      }
      while let frame = seat.tenancy.nextFrame(to: destination) { send(.messages(frame), from: pod, to: known.pod) }
    }
  }

  /// An owner that left in order may still write what it applied, including its last record.
  private func writeLast(_ slot: Int, _ seat: Seat) {
    guard random.percent(60), seat.tenancy.takeCheckpoint(), let checkpoint = seat.tenancy.checkpointToWrite() else {
      return
    }
    if store.write(checkpoint, slot, epoch: seat.tenancy.owner.epoch, after: seat.tenancy.checkpointedNumber) {
      tally.checkpoints += 1
    }
  }

  private func noticeEnd(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    guard let end = seat.tenancy.ending, pod.seats[slot] === seat else { return }
    for (query, request) in seat.tenancy.takeWaitingReads() {
      send(.readRefused(query, request), from: pod, toRun: request.incarnation)
    }
    switch end {
    case .superseded: tally.superseded += 1
    case .left:
      tally.left += 1
      writeLast(slot, seat)
    case .lost(let loss, let epoch):
      tally.lost += 1
      remove(seat, slot, of: pod)
      if planted == .fencedNeverAcquiresAgain, loss == .fenced { return pod.givenUp.formUnion([slot]) }
      if wanted[slot] == pod.index { acquire(slot, for: pod, above: epoch) }
      return
    case .stopped(let number, let reason):
      guard poisoned.contains(slot) || amputated == slot || seat.hasGap else {
        return fail(
          "\(seat.tenancy.partition) stopped at record \(number): \(reason); the log has \(logs[slot].records.count) "
            + "records, of which \(logs[slot].readableEnd) can be read")
      }
      // The pod reads its log again.
      if seat.hasGap { return remove(seat, slot, of: pod) }
      // It stays stopped until an operator has set the record aside.
      if !seat.isStopNoted { tally.stopped += 1 }
      seat.isStopNoted = true
      stopped.insert(seat.tenancy.partition)
      seat.stoppedAt = number
      return
    }
    remove(seat, slot, of: pod)
  }

  /// A tenure is over. A checkpoint that it had requested may be written now, later or never.
  func remove(_ seat: Seat, _ slot: Int, of pod: FleetPod) {
    pod.seats[slot] = nil
    guard case .asked(let checkpoint) = seat.write, !isResting else { return }
    let (epoch, number) = (seat.tenancy.owner.epoch, seat.tenancy.checkpointedNumber)
    switch random.below(3) {
    case 0:
      if store.write(checkpoint, slot, epoch: epoch, after: number, isCutShort: true) { tally.checkpointsAfterEnd += 1 }
    case 1: orphans.append(FleetOrphan(checkpoint: checkpoint, slot: slot, epoch: epoch, after: number))
    default: break
    }
  }
}
