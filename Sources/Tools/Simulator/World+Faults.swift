import Model
import PartitionCore

// What goes wrong.

extension World {
  /// The machine stops: all memory is lost, and everything that was not durable.
  func crashMachine() {
    tally.machineCrashes += 1
    for owner in owners { abandon(owner) }
    orphans = []
    tally.recordsLost += log.loseUndurable()
    pods.sendings = []
    tally.repliesLost += pods.tellings.count
    pods.tellings = []
    pods.mend()
    for pod in configured.indices { reconfigure(pod) }
    poison = poison.filter { $0.offset < log.count(of: $0.partition) }
    tally.unknown += clients.crash()
  }

  /// One owner's process stops; part of what it was appending reaches the log.
  func crash(_ owner: Owner) {
    if isCluster { return crashPod(owner.pod) }
    tally.ownerCrashes += 1
    flush(owner, random.below(owner.outbox.count + 1))
    abandon(owner)
  }

  /// A requested write may have happened, may still happen, or never happens.
  func abandon(_ owner: Owner) {
    if case .asked(let batch) = owner.write {
      switch random.below(3) {
      case 0: _ = store.write(batch, epoch: owner.epoch, isCrashing: true)
      case 1: orphans.append((batch, owner.epoch))
      default: break
      }
    }
    remove(owner)
  }

  /// An owner leaves in good order: it finishes what it has, and writes it.
  func restart() {
    guard let owner = random.pick(owners.filter { !$0.isZombie && $0.driver.stop == nil }) else { return }
    if isCluster { return leave(owner.pod) }
    tally.restarts += 1
    settle(owner, isDelivering: false)
    sync(log.rows.count)
    reveal(owner)
    checkpoint(owner)
    remove(owner)
  }

  /// Another owner takes a partition while the old one continues without knowing.
  func replace() {
    guard let owner = random.pick(owners.filter { !$0.isZombie && $0.driver.stop == nil }) else { return }
    if isCluster { return handOver(owner) }
    tally.zombies += 1
    owner.isZombie = true
    // Without a lease it reveals nothing it has not looked up yet.
    for request in owner.driver.takeWaitingReads() { _ = clients.takeRead(request) }
    acquire(owner.partition)
  }

  func appendPoison() {
    guard poison.count < 3, let partition = random.pick(layout.partitions) else { return }
    tally.poisoned += 1
    let offset = Int64(log.count(of: partition))
    poison.insert(Place(partition: partition, offset: offset))
    if random.percent(50) {
      _ = log.append(bytes: [0xff, 0x07, UInt8(random.below(256))], to: partition)
    } else {
      let command: Command =
        partition.service == .stock
        ? .orders(.remove(OrderID(unchecked: "poison")))
        : .stock(.create(ItemID(unchecked: "poison"), price: .zero, .random))
      let request = RequestID(incarnation: .max, lane: 0, number: UInt64(tally.poisoned))
      let body = ClientCommand(request: request, idempotency: nil, trace: nil, command: command)
      _ = append(Record(entries: [Entry(time: .zero, body: .command(body))]), to: partition)
    }
  }

  /// The operator skips poison that stopped a partition, or restarts a stopped partition.
  func quarantine() {
    for owner in owners {
      guard let stop = owner.driver.stop else { continue }
      if poison.contains(Place(partition: owner.partition, offset: stop.offset)) {
        log.quarantine(owner.partition, stop.offset)
      }
      remove(owner)
    }
  }

  /// A record never reaches its owner.
  func skip(_ owner: Owner) {
    guard owner.driver.stop == nil, owner.nextOffset < readableCount(of: owner.partition) else { return }
    tally.gaps += 1
    if bug == .gapNotNoticed {
      owner.driver.deliver(
        Delivery(
          partition: owner.partition, offset: Int64(owner.nextOffset), position: .zero,
          content: .record(Record(entries: []))))
    } else {
      owner.hasGap = true
    }
    owner.nextOffset += 1
  }
}
