import Model
import PartitionCore

// What an owner does in its turns, each cut short at random, so that a crash may come between any two steps.

extension World {
  func turn(_ owner: Owner) {
    guard owner.driver.stop == nil, isAwake(owner) else { return }
    if isCluster, random.percent(swarm.flushPercent) { _ = appendSending() }
    if isCluster, random.percent(swarm.tellPercent) { _ = bringTelling() }
    if isDue, !isLate(owner) { deliver(to: owner) }
    if isDue { step(owner) }
    guard !owner.isGone else { return }
    if random.percent(swarm.flushPercent) { flush(owner, random.within(1...6)) }
    if isDue { startLoad(owner) }
    acknowledge(owner)
    if random.percent(swarm.cluster?.checkpointPercent ?? 25) || owner.driver.isDirtyBoundReached {
      takeCheckpoint(owner)
    }
    if isDue { startWrite(owner) }
    if isDue { reveal(owner) }
    if random.percent(30) { owner.driver.evict() }
    look(at: owner)
    lookForLimits(owner)
  }

  private var isDue: Bool { random.percent(swarm.turnPercent) }

  /// Delivers the next records, and now and then old ones again.
  private func deliver(to owner: Owner) {
    guard !isCutFromLog(owner) else { return }
    if owner.nextOffset > 0, random.percent(5) {
      let from = random.below(owner.nextOffset)
      for offset in from..<min(owner.nextOffset, from + 3) { deliver(offset, to: owner) }
      tally.redeliveries += 1
    }
    deliver(to: owner, count: random.within(1...(swarm.cluster?.deliveriesMax ?? 4)))
  }

  func deliver(to owner: Owner, count: Int) {
    for _ in 0..<count where owner.nextOffset < readableCount(of: owner.partition) && owner.driver.queuedRecords < 64 {
      deliver(owner.nextOffset, to: owner)
      owner.nextOffset += 1
    }
    noticeStop(owner)
  }

  private func deliver(_ offset: Int, to owner: Owner) {
    owner.driver.deliver(presented(log.delivery(owner.partition, offset), to: owner))
  }

  /// A stop is right if a record is poison, or if one was left out.
  func noticeStop(_ owner: Owner) {
    guard let stop = owner.driver.stop else { return }
    let isPoison = poison.contains(Place(partition: owner.partition, offset: stop.offset))
    guard !isPoison && !owner.hasGap else { return }
    fail("\(owner.partition) stopped at offset \(stop.offset): \(stop.reason)")
  }

  func step(_ owner: Owner) {
    guard owner.driver.canStep else { return }
    var effects = Effects()
    owner.driver.step(into: &effects)
    noticeStop(owner)
    take(effects, from: owner)
  }

  func take(_ effects: Effects, from owner: Owner) {
    owner.take(effects) { keeps($0, of: owner) }
    if bug == .checkpointBeforeOutputs { owner.driver.appended(upTo: .zero) }
    look(at: owner)
  }

  /// Appends records of messages, in their order.
  func flush(_ owner: Owner, _ count: Int) {
    guard !owner.outbox.isEmpty, !isCutFromLog(owner) else { return }
    for _ in 0..<min(count, owner.outbox.count) {
      let isOvertaking = bug == .messagesOvertake && random.percent(20)
      let frame = owner.outbox.remove(at: isOvertaking ? owner.outbox.count - 1 : 0)
      owner.appendedUpTo = append(frame.record, to: frame.to)
    }
    if !isCluster, owner.outbox.isEmpty { owner.driver.appended(upTo: owner.appendedUpTo) }
  }

  func startLoad(_ owner: Owner) {
    guard case .none = owner.load else { return }
    let keys = owner.driver.keysToLoad()
    guard !keys.isEmpty else { return }
    owner.load = .asked(keys)
    tally.loads += 1
  }

  func takeCheckpoint(_ owner: Owner) {
    // Between pods a reply is lost with its owner, so everything a checkpoint covers must have been answered.
    if isCluster && bug != .checkpointOfHeld && !owner.replies.isEmpty { return }
    if bug != .checkpointBeforeReplies && pods.isTelling(owner.number) { return }
    _ = owner.driver.takeCheckpoint()
  }

  func startWrite(_ owner: Owner) {
    guard case .none = owner.write else { return }
    let durable = bug == .checkpointBeforeDurable ? log.end : log.durable
    guard let batch = owner.driver.checkpointToWrite(durable: durable) else { return }
    owner.write = .asked(batch)
  }

  // MARK: Answers

  /// Releases what the durable log covers.
  func reveal(_ owner: Owner) {
    guard mayReveal(owner) else { return }
    let durable = bug == .replyBeforeDurable ? log.end : log.durable
    let replies = owner.replies.filter { $0.revealedAt <= durable }
    owner.replies.removeAll { $0.revealedAt <= durable }
    for withheld in replies { reveal(withheld.reply, by: owner) }
    let answers = owner.answers.filter { $0.revealedAt <= durable }
    owner.answers.removeAll { $0.revealedAt <= durable }
    for answer in answers {
      guard let read = clients.takeRead(answer.request) else { continue }
      hash.fold(answer.request.number)
      auditor.judge(answer.view, of: read.query, since: read.since)
      tally.reads += 1
      clients.told(read.query)
      if owner.epoch < store.epoch(of: owner.partition) { tally.readsOfReplaced += 1 }
    }
  }

  private func reveal(_ reply: Reply, by owner: Owner) {
    hash.fold(reply.request.number &* 2 &+ (reply.isReplayed ? 1 : 0))
    auditor.judge(reply)
    if !owner.answered.insert(reply.request).inserted {
      fail("\(owner.partition) answered request \(reply.request) twice")
    }
    if random.percent(swarm.replyLostPercent) && !isResting {
      if isCluster {
        // Lost if the pod dies before it has arrived.
        pods.tellings.append(Pods.Telling(pod: owner.pod, owner: owner.number, reply: reply))
        tally.repliesLate += 1
      } else {
        tally.repliesLost += 1
      }
      return
    }
    bring(reply)
  }

  /// One reply in transit between pods arrives.
  func bringTelling() -> Bool {
    guard let reply = pods.takeTelling(&random) else { return false }
    bring(reply)
    return true
  }

  private func bring(_ reply: Reply) {
    // If a peer's frame arrives twice, nobody waits for it the second time.
    for _ in 0..<(random.percent(10) ? 2 : 1) {
      guard let request = clients.take(reply.request) else { continue }
      auditor.learned(reply.request)
      if let query = request.command.query { clients.told(query) }
      count(reply, to: request)
    }
  }

  private func count(_ reply: Reply, to request: Clients.Request) {
    if reply.isReplayed { tally.replayed += 1 }
    switch (request.command, reply.outcome) {
    case (.orders(.checkout), .done): tally.checkoutsPaid += 1
    case (.orders(.checkout), .refused): tally.checkoutsRefused += 1
    case (_, .refused): tally.refusals += 1
    default: break
    }
  }

  // MARK: The store

  /// One action of the store: it reads, writes or answers; late, failing wrongly, or not at all.
  func storeWork() {
    if !orphans.isEmpty, random.percent(30) {
      let orphan = orphans.remove(at: random.below(orphans.count))
      _ = store.write(orphan.batch, epoch: orphan.epoch)
      return
    }
    guard let owner = random.pick(owners), isAwake(owner), !isLate(owner) else { return }
    let isAnswering = if case .answered = owner.load { true } else { false }
    if random.percent(isAnswering ? swarm.loadPercent : 50) { workOnLoad(owner) } else { workOnWrite(owner) }
  }

  func workOnLoad(_ owner: Owner) {
    switch owner.load {
    case .none: break
    case .asked(let keys):
      guard !isCluster || !pods.isCutFromStore(owner.pod) else { return }
      do {
        let isFailing = random.percent(swarm.storeFailurePercent) && !isResting
        let epoch = bug == .fenceIgnored ? store.epoch(of: owner.partition) : owner.epoch
        let rows = isFailing ? nil : try store.load(keys, of: owner.partition, epoch: epoch)
        if rows == nil, !isFailing { owner.isFenced = true }
        owner.load = .answered(rows)
      } catch {
        fail("the store's rows of \(owner.partition) cannot be read: \(error)")
      }
    case .answered(let rows):
      owner.load = .none
      guard let rows else {
        tally.loadsFailed += 1
        if isCluster && owner.isFenced { return stepDown(owner) }
        return owner.driver.loadFailed()
      }
      if store.differs(from: rows, in: owner.partition) { tally.loadsOvertaken += 1 }
      var effects = Effects()
      owner.driver.loaded(rows, at: clock(of: owner), into: &effects)
      take(effects, from: owner)
    }
  }

  func workOnWrite(_ owner: Owner) {
    switch owner.write {
    case .none: break
    case .asked(let batch):
      guard !isCluster || !pods.isCutFromStore(owner.pod) else { return }
      if random.percent(swarm.storeFailurePercent) && !isResting {
        owner.write = .answered(isWritten: false)
        return
      }
      let isWritten = store.write(batch, epoch: owner.epoch)
      if !isWritten { owner.isFenced = true }
      let isAnswerLost = random.percent(swarm.storeFailurePercent) && !isResting
      if isWritten && isAnswerLost { tally.checkpointAnswersLost += 1 }
      owner.write = .answered(isWritten: isWritten && !isAnswerLost)
    case .answered(let isWritten):
      owner.write = .none
      owner.driver.checkpointEnded(isWritten: isWritten)
      if isWritten { tally.checkpoints += 1 } else { tally.checkpointsFailed += 1 }
      if owner.isFenced, bug != .fenceIgnored { stepDown(owner) }
    }
  }
}
