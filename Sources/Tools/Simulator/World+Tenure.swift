import Model
import PartitionCore

// Partitions that change owners through the log: what the product's shell does around a loop with a tenure.

extension World {
  /// Whether the owner's process runs.
  func isAwake(_ owner: Owner) -> Bool { !isCluster || !pods.isPaused(owner.pod) }

  func isCutFromLog(_ owner: Owner) -> Bool { isCluster && pods.isCutFromLog(owner.pod) }

  /// Gives an owner its tenure, and makes it say so in the log.
  func beginTenure(_ owner: Owner) {
    guard let cluster = swarm.cluster else { return }
    // Both planted bugs assume that there was no earlier owner.
    let isHasty = bug == .noHoldBack || bug == .checkpointOfHeld
    owner.driver.tenure = Tenure(
      epoch: owner.epoch, incarnation: UInt64(owner.number), leaseMilliseconds: cluster.leaseMilliseconds,
      isFromTheBeginning: owner.driver.appliedOffset == -1 || isHasty)
    announce(owner)
  }

  private func announce(_ owner: Owner) {
    guard let control = Model.Owner(epoch: owner.epoch, incarnation: UInt64(owner.number), address: "pod:1") else {
      return fail("epoch \(owner.epoch) cannot be announced")
    }
    owner.announcedAt = pods.time
    send(.owned(control), from: owner)
  }

  func send(_ control: Control, from owner: Owner) {
    pods.sendings.append(Pods.Sending(pod: owner.pod, partition: owner.partition, control: control))
  }

  /// Looks at the owner's clock: due after everything the owner does.
  func look(at owner: Owner) {
    guard isCluster, !owner.isGone else { return }
    if owner.driver.isSuperseded { return end(owner) }
    if case .announced = owner.driver.tenure?.phase {
      let isLate = pods.time - (owner.announcedAt ?? 0) > swarm.announcedAgainMilliseconds
      if isLate && !pods.isCutFromLog(owner.pod) { announce(owner) }
    }
    if case .serving = owner.driver.tenure?.phase, owner.servesSince == nil { owner.servesSince = pods.time }
    guard owner.driver.awaitsTime else { return }
    let now = clock(of: owner)
    var effects = Effects()
    owner.driver.pass(now, into: &effects)
    if owner.driver.hasWaitingReads, let tick = nextTick(of: owner, now) { send(tick, from: owner) }
    owner.take(effects) { keeps($0, of: owner) }
  }

  /// One control record of a pod reaches the log, is lost, or both as far as the pod knows.
  func appendSending() -> Bool {
    guard isCluster else { return false }
    pods.sendLater()
    guard let sending = pods.takeSending(&random) else { return false }
    if random.percent(swarm.appendLostPercent) && !isResting {
      tally.controlsLost += 1
      return true
    }
    append(sending.control, to: sending.partition)
    return true
  }

  func append(_ control: Control, to partition: PartitionID) {
    let entry = Entry(time: Timestamp(milliseconds: max(0, clock)), body: .control(control))
    _ = append(Record(entries: [entry]), to: partition)
  }

  /// An owner's outgoing messages are known to be durable.
  func acknowledge(_ owner: Owner) {
    guard isCluster, owner.outbox.isEmpty, owner.appendedUpTo <= log.durable, !isCutFromLog(owner) else { return }
    owner.driver.appended(upTo: .zero)
  }

  // MARK: The end of a tenure

  /// The store refuses an owner, or it leaves without a successor: its time is over before the log says so.
  func stepDown(_ owner: Owner) {
    guard isCluster, !owner.isGone else { return }
    owner.driver.stepDown()
    tally.steppedDown += 1
    end(owner)
  }

  /// The log can no longer deliver a partition's records, or has lost some of the messages it sent last: it must be
  /// taken over again, from its checkpoint.
  func breakOff(_ owner: Owner) {
    guard owner.driver.stop == nil, !owner.isGone, isAwake(owner) else { return }
    tally.broken += 1
    let offset = Int64(owner.nextOffset)
    owner.driver.deliver(
      Delivery(partition: owner.partition, offset: offset, position: .zero, content: .broken(reason: "a broker")))
    end(owner)
  }

  /// An owner's time is over. What it has decided still leaves; reads go to the next owner.
  private func end(_ owner: Owner) {
    reveal(owner)
    flush(owner, random.below(owner.outbox.count + 1))
    if let farewell = owner.driver.farewell {
      send(farewell, from: owner)
      tally.farewells += 1
    }
    if let late = owner.driver.lateFarewell {
      pods.say(Pods.Sending(pod: owner.pod, partition: owner.partition, control: late.control), at: late.at)
      tally.lateFarewells += 1
    }
    for read in owner.driver.takeReadsToForward() { clients.askAgain(read.request) }
    if owner.driver.isSuperseded { tally.superseded += 1 }
    abandon(owner)
  }
}
