import Model
import PartitionCore

// What goes wrong with a cluster's pods, and with the group that distributes partitions to them.

extension World {
  /// A pod that can take a partition: it does not own it yet, and reaches the store.
  func podToOwn(_ partition: PartitionID) -> Int? {
    let able = pods.all.indices.filter { pod in
      !pods.isPaused(pod) && !pods.isCutFromStore(pod)
        && !owners.contains { $0.pod == pod && $0.partition == partition }
    }
    return random.pick(able)
  }

  /// A pod pauses for a while, then continues with what it was doing.
  func pausePod() {
    guard let cluster = swarm.cluster else { return }
    tally.pauses += 1
    let pod = random.below(cluster.podCount)
    pods.pause(pod, for: outage)
    miss(pod)
  }

  /// A pod cannot reach the log, the store, or either.
  func cutPod() {
    guard let cluster = swarm.cluster else { return }
    tally.cuts += 1
    let pod = random.below(cluster.podCount)
    let kind = random.below(3)
    if kind != 0 { pods.cutFromLog(pod, for: outage) }
    // The worst that a log may report when it is back.
    if kind != 0, random.percent(20), let owner = random.pick(owners.filter({ $0.pod == pod })) { breakOff(owner) }
    if kind != 1 { pods.cutFromStore(pod, for: outage) }
    miss(pod)
  }

  private var outage: Int64 {
    let lease = Int(swarm.cluster?.leaseMilliseconds ?? 0)
    return Int64(random.within(lease / 4...lease * 5))
  }

  /// The fault that made the group miss an owner affects its other connections, too: their data arrives late.
  func isLate(_ owner: Owner) -> Bool {
    guard let cluster = swarm.cluster, owner.isZombie, !isResting else { return false }
    return random.percent(cluster.zombieDelayPercent)
  }

  /// The group may miss a pod whose connections fail, and give what it owns to others.
  private func miss(_ pod: Int) {
    guard random.percent(50) else { return }
    for owner in owners where owner.pod == pod && !owner.isZombie && random.percent(70) { handOver(owner) }
  }

  /// A process dies, with everything it owns and everybody it would have answered.
  func crashPod(_ pod: Int) {
    tally.ownerCrashes += 1
    for owner in owners where owner.pod == pod {
      for read in owner.driver.takeReadsToForward() { clients.askAgain(read.request) }
      if !pods.isCutFromLog(pod) { flush(owner, random.below(owner.outbox.count + 1)) }
      abandon(owner)
    }
    tally.repliesLost += pods.restart(pod, arriving: random.below(3))
    reconfigure(pod)
    tally.unknown += clients.crash(pod, of: pods.all.count, &random)
  }

  /// A pod leaves in good order: it finishes, writes and releases what nobody took over.
  func leave(_ pod: Int) {
    guard !pods.isPaused(pod), !pods.isCutFromStore(pod), !pods.isCutFromLog(pod) else { return }
    tally.restarts += 1
    for owner in owners where owner.pod == pod && owner.driver.stop == nil {
      settle(owner, isDelivering: false)
      guard !owner.isGone, violation == nil else { continue }
      sync(log.rows.count)
      acknowledge(owner)
      reveal(owner)
      while bringTelling() {}
      checkpoint(owner)
      stepDown(owner)
    }
    reconfigure(pod)
  }

  /// The group gives a partition to another pod. The old owner continues until it reads of the new one, which may be at
  /// once, later, or not soon.
  func handOver(_ owner: Owner) {
    tally.zombies += 1
    owner.isZombie = true
    if bug == .releasedWhileServing, let tenure = owner.driver.tenure, tenure.hasServed {
      append(.released(epoch: owner.epoch), to: owner.partition)
    }
    if random.percent(70) { acquire(owner.partition) }
  }

  /// Whether every partition has one owner that answers everything, and nothing is in transit.
  var isClusterQuiet: Bool {
    guard isCluster else { return true }
    return pods.sendings.isEmpty && pods.tellings.isEmpty && owners.count == layout.slotCount
      && owners.allSatisfy { owner in
        owner.driver.tenure?.phase == .serving && !owner.driver.hasWaitingReads && owner.replies.isEmpty
          && owner.driver.ruleLimits == owner.limits
      }
  }

  /// A request that still waits has no outcome: clients of durable requests were answered.
  func auditWaiting() {
    guard isCluster, let lost = clients.waiting.first(where: { auditor.outcomes[$0.id] != nil }) else { return }
    fail("request \(lost.id) is durable, and its client was never answered")
  }
}
