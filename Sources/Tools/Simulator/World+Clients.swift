import Model
import PartitionCore

// What clients ask, and how it reaches the logs.

extension World {
  // MARK: Commands

  func request() {
    guard clients.waiting.count < Clients.waitingMax else { return giveUp() }
    let isKeyed = random.percent(60)
    submit(
      choices.command(isKeyed: isKeyed, &random, &clients.orders, number: clients.nextNumber()), isKeyed: isKeyed)
  }

  /// Sends a command to its partition; a batch goes to every partition of its service.
  func submit(_ command: Command, isKeyed: Bool = false) {
    var token: IdempotencyToken?
    if isKeyed {
      let number = clients.nextNumber()
      token = IdempotencyToken(key: IdempotencyKey(unchecked: "k\(number)"), fingerprint: number)
    }
    for partition in partitions(of: command) {
      clients.send(
        Clients.Request(id: clients.nextID(), command: command, partition: partition, token: token))
      tally.requests += 1
    }
  }

  private func partitions(of command: Command) -> [PartitionID] {
    guard let query = command.query else { return layout.partitions.filter { $0.service == command.service } }
    return [query.partition(by: layout.partitioner)]
  }

  /// Sends something again under its idempotency key, whatever its outcome; sometimes the key comes with another
  /// request.
  func repeatRequest() {
    guard let old = random.pick(clients.repeatable), let token = old.token else { return }
    guard clients.waiting.count < Clients.waitingMax else { return }
    let isMisused = random.percent(10)
    let fingerprint = token.fingerprint ^ (isMisused ? 1 << 63 : 0)
    clients.send(
      Clients.Request(
        id: clients.nextID(), command: old.command, partition: old.partition,
        token: IdempotencyToken(key: token.key, fingerprint: fingerprint)))
    tally.requests += 1
  }

  /// A client stops waiting: it does not know the outcome of its request, which may still be in transit.
  func giveUp() {
    // Mostly the one that has waited longest.
    guard let request = random.percent(80) ? clients.waiting.first : random.pick(clients.waiting) else { return }
    _ = clients.take(request.id)
    tally.unknown += 1
  }

  /// Commands reach the log: one, or several for the same partition in one record; or none, without notice.
  func append() {
    if !isResting, random.percent(50), appendSending() { return }
    guard let first = random.pick(clients.transit) else { return }
    let taken = clients.transit.filter { $0.partition == first.partition }.prefix(random.within(1...3))
    let numbers = taken.map(\.id.number)
    clients.transit.removeAll { numbers.contains($0.id.number) }
    if random.percent(swarm.appendLostPercent) && !isResting {
      tally.appendsLost += 1
      return
    }
    if let owner = owner(of: first.partition), owner.driver.isDirtyBoundReached {
      for request in taken { _ = clients.take(request.id) }
      tally.overloads += 1
      return
    }
    let entries = taken.map { request in
      let skew = Int64(random.within(-200...200))
      return Entry(
        time: Timestamp(milliseconds: max(0, clock + skew)),
        body: .command(
          ClientCommand(
            request: request.id, idempotency: request.token, trace: request.trace, command: request.command)))
    }
    _ = append(Record(entries: entries), to: first.partition)
  }

  // MARK: Reads

  /// A new read is sent, or one already sent reaches its owner.
  func read() {
    let count = swarm.cluster.map { random.within(1...$0.readsMax) } ?? 1
    for _ in 0..<count where violation == nil { readOnce() }
  }

  private func readOnce() {
    clients.forgetOldReads()
    guard random.percent(60), let place = clients.readsInTransit.indices.randomElement(of: &random) else {
      clients.readsInTransit.append(
        Clients.Read(id: clients.nextID(), query: randomQuery(), since: auditor.known))
      return
    }
    let read = clients.readsInTransit[place]
    guard let owner = reader(of: read.query.partition(by: layout.partitioner)) else { return }
    clients.readsInTransit.remove(at: place)
    clients.wait(for: read)
    var effects = Effects()
    if !owner.driver.ask(read.query, for: read.id, at: clock(of: owner), into: &effects) {
      if isCluster { clients.askAgain(read.id) } else { _ = clients.takeRead(read.id) }
    }
    take(effects, from: owner)
  }

  /// The owner a read reaches: in a cluster any that believes it owns the partition.
  private func reader(of partition: PartitionID) -> Owner? {
    guard isCluster else { return owner(of: partition).flatMap { mayShow($0) ? $0 : nil } }
    let able = owners.filter { owner in
      owner.partition == partition && owner.driver.stop == nil && isAwake(owner) && mayReveal(owner)
    }
    // A client with an old map asks the owner that was replaced.
    return random.pick(random.percent(70) ? able.filter(\.isZombie) : able) ?? random.pick(able)
  }

  /// Whether an owner in a world without leases may answer reads: it has applied what the log held when it started, or
  /// everything while there is another owner it cannot know of.
  private func mayShow(_ owner: Owner) -> Bool {
    if owner.driver.stop != nil { return false }
    if bug == .readDuringReplay { return true }
    let isAlone = !owners.contains { $0.isZombie && $0.partition == owner.partition }
    return Int(owner.driver.appliedOffset) + 1 >= (isAlone ? owner.replayEnd : log.count(of: owner.partition))
  }

  private func randomQuery() -> Query {
    if isCluster, random.percent(60), let query = random.pick(clients.recent) { return query }
    return choices.query(&random, clients.orders)
  }
}

extension Range<Int> {
  /// One of the range's numbers; nil if it is empty.
  fileprivate func randomElement(of random: inout SeededRandom) -> Int? {
    isEmpty ? nil : lowerBound + random.below(count)
  }
}
