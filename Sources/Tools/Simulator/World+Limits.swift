import Model
import PartitionCore

// The limits that partitions decide under; each starting process may be configured with others.

extension World {
  /// Configures a starting process: mostly with what it had before.
  func reconfigure(_ pod: Int) {
    if random.percent(swarm.limitsChangePercent) { configured[pod] = swarm.ruleLimits(&random) }
  }

  /// An owner that has replayed puts its limits into the log if others are in force, and again until they come back.
  func lookForLimits(_ owner: Owner) {
    guard owner.driver.stop == nil, !owner.isGone, Int(owner.driver.appliedOffset) + 1 >= owner.replayEnd else {
      return
    }
    let isMistaken = bug == .limitsConfigured && !owner.hasSentLimits
    guard owner.driver.ruleLimits != owner.limits || isMistaken else {
      owner.limitsSentAt = nil
      return
    }
    if isCluster {
      if case .announced = owner.driver.tenure?.phase { return }
      if let at = owner.limitsSentAt, pods.time - at <= swarm.announcedAgainMilliseconds { return }
      send(.limits(owner.limits), from: owner)
    } else {
      // Nothing is lost in transit within a single process, unless the whole machine stops.
      if owner.isZombie || owner.limitsSentAt != nil { return }
      append(.limits(owner.limits), to: owner.partition)
    }
    owner.limitsSentAt = pods.time
    owner.hasSentLimits = true
  }

  /// What an owner starts from: what the store has, without a planted bug.
  func presented(_ recovery: Recovery, of partition: PartitionID, on pod: Int) -> Recovery {
    guard bug == .limitsConfigured else { return recovery }
    let header = recovery.header
    return Recovery(
      header: CheckpointHeader(
        partition: partition, offset: header?.offset ?? -1, now: header?.now ?? .zero,
        rulesVersion: header?.rulesVersion ?? 1, limits: configured[pod], dedup: header?.dedup ?? [],
        ledger: header?.ledger ?? Ledger()),
      pinned: recovery.pinned)
  }

  /// At the end every partition decides under its owner's limits.
  func auditLimits() {
    for owner in owners where owner.driver.ruleLimits != owner.limits {
      fail("\(owner.partition) decides under \(owner.driver.ruleLimits); its owner wants \(owner.limits)")
    }
  }
}
