import Model
import PartitionCore
import Streams
import Tenancy

// What goes wrong.

extension Fleet {
  /// A pod dies and starts again: its state, its streams and its clients' connections are gone.
  func crash(_ index: Int) {
    let old = pods[index]
    tally.crashes += 1
    tally.unknown += clients.crash(run: old.run)
    for (slot, seat) in old.seats.enumerated() { if let seat { remove(seat, slot, of: old) } }
    let isChanged = random.percent(swarm.limitsChangePercent)
    pods[index] = makePod(index, isChanged ? swarm.ruleLimits(&random) : old.limits)
    // What it had submitted may still be appended.
    appends = appends.filter { $0.run != old.run || random.percent(50) }
    for other in links.indices { disconnect(index, other) }
    links[index][index] = []
    if random.percent(60) { reassign(index) }
  }

  /// Others get what a pod owned.
  private func reassign(_ index: Int) {
    for slot in wanted.indices where wanted[slot] == index && random.percent(70) {
      wanted[slot] = random.below(pods.count)
    }
  }

  func pause() {
    let index = random.below(pods.count)
    pods[index].pausedUntil = clock + Int64(random.within(100...4_000))
    tally.pauses += 1
    if random.percent(70) { reassign(index) }
  }

  func cut() {
    let index = random.below(pods.count)
    let kind = random.below(5)
    let until = clock + Int64(kind >= 3 ? random.within(1_000...6_000) : random.within(100...3_000))
    tally.cuts += 1
    if kind == 0 || kind >= 3 { cutFromLog[index] = until }
    if kind == 1 || kind >= 3 { cutFromStore[index] = until }
    // Cut off from everything but its clients, to whom it might report what it remembers.
    if kind >= 2 {
      cutFromPeers[index] = until
      for other in links.indices where other != index { disconnect(index, other) }
    }
    if kind >= 3 || random.percent(40) { reassign(index) }
  }

  /// A connection breaks: what is in transit is lost, and both ends notice.
  func disconnect(_ a: Int, _ b: Int) {
    guard a != b else { return }
    tally.disconnects += 1
    links[a][b] = []
    links[b][a] = []
    noticeLoss(pods[a], to: b)
    noticeLoss(pods[b], to: a)
  }

  /// A pod notices that what it sent to another pod may not have arrived.
  func noticeLoss(_ pod: FleetPod, to other: Int) {
    for slot in layout.partitions.indices {
      guard let known = pod.owners[slot], known.pod == other else { continue }
      lostWay(to: known.owner, slot, pod)
    }
    for seat in pod.seats { seat?.repliesLost = true }
  }

  /// An owner has to give up its partition; the wanted owner takes over.
  func leave() {
    guard let (_, slot, seat) = randomSeat(where: { $0.tenancy.ending == nil && !$0.tenancy.isReplaying }) else {
      return
    }
    wanted[slot] = random.below(pods.count)
    if swarm.hasIngest, random.percent(50) {
      // As a process that is about to end.
      seat.isIngestLeft = true
      seat.tenancy.dropIngested()
    }
    seat.tenancy.leave()
  }

  /// A partition's database is restored to an earlier copy while owners run.
  func restore() {
    let slot = random.below(logs.count)
    guard store.restore(slot) else { return }
    // What was under way in the database went with it.
    orphans.removeAll { $0.slot == slot }
    tally.restored += 1
  }

  /// A pod's wall clock jumps: mostly by seconds, now and then by hours.
  func setClock() {
    let most = random.percent(10) ? 20_000_000 : 30_000
    pods[random.below(pods.count)].skew = Int64(random.within(-most...most))
    tally.clockJumps += 1
  }

  /// A record never reaches an owner that replays: one that others after it show to be missing.
  func leaveOut() {
    guard let (_, slot, seat) = randomSeat(where: { $0.tenancy.isReplaying && $0.leftOut == nil }) else { return }
    let records = logs[slot].records
    guard Int(seat.nextOffset) < records.count else { return }
    let place = Int(seat.nextOffset) + random.below(records.count - Int(seat.nextOffset))
    guard logs[slot].counted.contains(place) else { return }
    for later in records.indices.dropFirst(place + 1) {
      if records[later].owner == seat.tenancy.owner { return }
      guard logs[slot].counted.contains(later) else { continue }
      seat.leftOut = Int64(place)
      tally.gaps += 1
      return
    }
  }

  // MARK: What cannot be applied

  /// A pod sends a partition a command of another service.
  func poison() {
    let slot = random.below(logs.count)
    guard poisoned.isEmpty, let pod = random.pick(pods) else { return }
    let service = layout.partitions[slot].service
    let wrong: Command =
      service == .stock
      ? .payments(.addFunds(UserID(unchecked: "0"), Money(unchecked: 1)))
      : .stock(.add(ItemID(unchecked: "0"), Quantity(unchecked: 1)))
    let command = ClientCommand(
      request: RequestID(incarnation: pod.run, lane: 0, number: clients.nextNumber()), idempotency: nil, trace: nil,
      command: wrong)
    guard pod.streams[slot].offer(.command(command, deadline: nil), bytes: 64) else { return }
    poisoned.insert(slot)
    tally.poisoned += 1
  }

  /// An operator sets aside the record that stopped a partition, and its pod restarts.
  func quarantine() {
    for pod in pods {
      for (slot, seat) in pod.seats.enumerated() {
        guard let seat, seat.isStopNoted, poisoned.contains(slot) else { continue }
        let isLogged = logs[slot].records.contains {
          if case .turn(let record) = $0 { record.number == seat.stoppedAt } else { false }
        }
        if !isLogged { fail("\(layout.partitions[slot]) stopped at record \(seat.stoppedAt), which is not in its log") }
        store.quarantined[slot].insert(seat.stoppedAt)
        remove(seat, slot, of: pod)
        stopped.remove(layout.partitions[slot])
      }
    }
  }
}
