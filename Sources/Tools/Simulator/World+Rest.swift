import Model
import PartitionCore

// The end of a run: no more faults, until everything is at rest.

extension World {
  func comeToRest() {
    isResting = true
    if isCluster { pods.mend() } else { for zombie in owners.filter(\.isZombie) { remove(zombie) } }
    orphans = []
    for _ in 0..<1_000 where violation == nil {
      let before = log.rows.count
      while clients.hasTransit { append() }
      while appendSending() {}
      while bringTelling() {}
      pods.pass((swarm.cluster?.leaseMilliseconds ?? 0) / 3)
      quarantine()
      for owner in owners where owner.hasGap { remove(owner) }
      for partition in layout.partitions { acquire(partition) }
      for owner in owners where violation == nil && !owner.isGone { settle(owner, isDelivering: true) }
      sync(log.rows.count)
      for owner in owners {
        acknowledge(owner)
        reveal(owner)
      }
      let isQuiet = owners.allSatisfy { $0.driver.stop == nil && $0.nextOffset == log.count(of: $0.partition) }
      if isQuiet && isClusterQuiet && before == log.rows.count { break }
    }
    for owner in owners where violation == nil {
      reveal(owner)
      checkpoint(owner)
      if owner.driver.isBehind || Int(owner.driver.appliedOffset) + 1 != log.count(of: owner.partition) {
        fail("\(owner.partition) does not come to rest at offset \(owner.driver.appliedOffset)")
      }
    }
  }

  /// Lets an owner do everything it can.
  func settle(_ owner: Owner, isDelivering: Bool) {
    for _ in 0..<20_000 where violation == nil && owner.driver.stop == nil && !owner.isGone {
      if isDelivering { deliver(to: owner, count: 16) }
      flush(owner, owner.outbox.count)
      if random.percent(20) { owner.driver.evict() }
      if owner.driver.canStep {
        step(owner)
        continue
      }
      startLoad(owner)
      if case .none = owner.load {
        let isDone = owner.outbox.isEmpty && owner.driver.queuedRecords == 0
        let isAtEnd = !isDelivering || owner.nextOffset >= readableCount(of: owner.partition)
        if isDone && isAtEnd {
          look(at: owner)
          return isDelivering ? lookForLimits(owner) : ()
        }
      } else {
        workOnLoad(owner)
      }
    }
    if owner.driver.stop == nil && !owner.isGone { fail("\(owner.partition) goes on for ever") }
  }

  /// Writes everything that an owner has applied.
  func checkpoint(_ owner: Owner) {
    for _ in 0..<64 where violation == nil && !owner.isGone {
      switch owner.write {
      case .none:
        if !owner.driver.isCheckpointing, !owner.driver.takeCheckpoint() { return }
        startWrite(owner)
        if case .none = owner.write { return }
      default: workOnWrite(owner)
      }
    }
  }
}
