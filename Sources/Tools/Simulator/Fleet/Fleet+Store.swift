import Model
import PartitionCore
import Streams
import Tenancy

// The store's side: every call is late, fails, or neither.

extension Fleet {
  /// One action of the store.
  func storeWork() {
    if !orphans.isEmpty, random.percent(20) { return writeOrphan() }
    guard let (pod, slot, seat) = randomSeat(), cutFromStore[pod.index] <= clock || isResting else { return }
    switch random.below(2) {
    case 0: workOnLoad(pod, slot, seat)
    default: workOnWrite(pod, slot, seat)
    }
  }

  private func writeOrphan() {
    let orphan = orphans.remove(at: random.below(orphans.count))
    if store.write(orphan.checkpoint, orphan.slot, epoch: orphan.epoch, after: orphan.after) {
      tally.checkpointsAfterEnd += 1
    }
  }

  private func workOnLoad(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    if case .asked(let keys) = seat.load {
      let tenancy = seat.tenancy
      if !isResting, random.percent(swarm.storeFailurePercent) {
        seat.load = .none
        return loadFailed(pod, slot, seat)
      }
      let isBlind = bug.is(.fenceIgnored)
      seat.load = .answered(
        store.load(
          keys, slot, epoch: isBlind ? store.epoch(slot) : tenancy.owner.epoch,
          atLeast: isBlind ? 0 : tenancy.checkpointedNumber))
    }
    if !isResting, random.percent(swarm.loadDelayPercent) { return }
    guard case .answered(let rows) = seat.load else { return }
    seat.load = .none
    var actions = TenancyActions()
    if let rows {
      if store.differs(from: rows, slot) { tally.loadsOvertaken += 1 }
      seat.tenancy.loaded(rows, at: clock, into: &actions)
    } else {
      seat.tenancy.fenced(.fenced)
    }
    perform(actions, pod, slot, seat)
  }

  private func loadFailed(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    var actions = TenancyActions()
    seat.tenancy.loadFailed()
    actions.loads = seat.tenancy.keysToLoad()
    perform(actions, pod, slot, seat)
  }

  private func workOnWrite(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    if case .none = seat.write, let checkpoint = seat.tenancy.checkpointToWrite() {
      // With the planted bug the epoch is checked now, and not again.
      if bug.is(.staleZombieCheckpoint), store.epoch(slot) != seat.tenancy.owner.epoch {
        return writeEnded(isWritten: false, pod, slot, seat)
      }
      seat.write = .asked(checkpoint)
      if !isResting, random.percent(30) { return }
    }
    guard case .asked(let checkpoint) = seat.write else { return }
    seat.write = .none
    if !isResting, random.percent(swarm.storeFailurePercent) { return seat.tenancy.checkpointEnded(isWritten: false) }
    // A commit whose outcome is unknown is looked up before anything else is written, so it is known in the end.
    let isWritten = store.write(
      checkpoint, slot, epoch: seat.tenancy.owner.epoch, after: seat.tenancy.checkpointedNumber)
    writeEnded(isWritten: isWritten, pod, slot, seat)
  }

  private func writeEnded(isWritten: Bool, _ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    seat.tenancy.checkpointEnded(isWritten: isWritten)
    if isWritten {
      tally.checkpoints += 1
    } else if !bug.is(.fenceIgnored) {
      seat.tenancy.fenced(.fenced)
      perform(TenancyActions(), pod, slot, seat)
    }
  }
}

// Where the fleet plants a mistake in what an owner starts from and replays.

extension Fleet {
  /// What an owner starts from: what the store has, without a planted bug.
  func presented(_ recovery: Recovery, _ limits: RuleLimits) -> Recovery {
    guard bug.is(.limitsConfigured), let header = recovery.header else { return recovery }
    return Recovery(
      header: CheckpointHeader(
        partition: header.partition, owner: header.owner, number: header.number, isReleased: header.isReleased,
        offset: header.offset, now: header.now, rulesVersion: header.rulesVersion, limits: limits,
        dedup: header.dedup, ledger: header.ledger, received: header.received, caused: header.caused),
      pinned: recovery.pinned, quarantined: recovery.quarantined, outbox: recovery.outbox, replies: recovery.replies)
  }

  /// A record as its owner replays it: unchanged without a planted bug.
  func presented(_ record: LogRecord, to pod: FleetPod) -> LogRecord {
    guard case .turn(let turn) = record else { return record }
    if bug.is(.timeFromClock) {
      return .turn(
        TurnRecord(
          owner: turn.owner, number: turn.number, time: time(of: pod), controls: turn.controls, entries: turn.entries))
    }
    guard bug.is(.limitsConfigured) else { return record }
    let controls = turn.controls.map { control in
      if case .limits = control { Control.limits(pod.limits) } else { control }
    }
    return .turn(
      TurnRecord(
        owner: turn.owner, number: turn.number, time: turn.time, controls: controls, entries: turn.entries))
  }
}
