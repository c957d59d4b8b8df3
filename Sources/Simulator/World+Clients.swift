import Model
import PartitionCore

// What clients ask, and how it reaches the logs.

extension World {
  // MARK: Commands

  func request() {
    guard clients.waiting.count < Clients.waitingMax else { return giveUp() }
    let isKeyed = random.percent(60)
    submit(randomCommand(isKeyed: isKeyed), isKeyed: isKeyed)
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

  /// Sends something again under its idempotency key, whatever became of it; sometimes the key comes with another
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

  /// A client waits no longer: it does not know what became of its request, which may still be on its way.
  func giveUp() {
    // Whoever has waited longest, mostly.
    guard let request = random.percent(80) ? clients.waiting.first : random.pick(clients.waiting) else { return }
    _ = clients.take(request.id)
    tally.unknown += 1
  }

  /// Commands reach the log: one, or several for the same partition in one record; or none does, and nobody is told.
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

  /// A read is asked, or one that was asked reaches its owner.
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

  /// Whom a read reaches: in a cluster whoever believes to own the partition.
  private func reader(of partition: PartitionID) -> Owner? {
    guard isCluster else { return owner(of: partition).flatMap { mayShow($0) ? $0 : nil } }
    let able = owners.filter { owner in
      owner.partition == partition && owner.driver.stop == nil && isAwake(owner) && mayReveal(owner)
    }
    // Whose map is old asks the one that was replaced.
    return random.pick(random.percent(70) ? able.filter(\.isZombie) : able) ?? random.pick(able)
  }

  /// Whether an owner in a world without leases may answer reads: it has applied what the log held when it started,
  /// and while there is another one that it cannot know of, everything.
  private func mayShow(_ owner: Owner) -> Bool {
    if owner.driver.stop != nil { return false }
    if bug == .readDuringReplay { return true }
    let isAlone = !owners.contains { $0.isZombie && $0.partition == owner.partition }
    return Int(owner.driver.appliedOffset) + 1 >= (isAlone ? owner.replayEnd : log.count(of: owner.partition))
  }

  private func randomQuery() -> Query {
    if isCluster, random.percent(60), let query = random.pick(clients.recent) { return query }
    return switch random.below(4) {
    case 0: .order(randomOrder())
    case 1: .item(randomItem())
    case 2: .user(randomUser())
    default: .payment(randomUser(), randomOrder())
    }
  }

  // MARK: Choices

  private func randomOrder() -> OrderID {
    if random.percent(3) { return OrderID(unchecked: "none\(random.below(4))") }
    // An order that is asked for before it was made.
    if random.percent(swarm.earlyReadPercent) { return OrderID(unchecked: "o\(clients.orders.count)") }
    return recentOrder(0...8)
  }

  private func recentOrder(_ age: ClosedRange<Int>) -> OrderID {
    clients.orders[max(0, clients.orders.count - 1 - random.within(age))]
  }

  private func randomItem() -> ItemID {
    // Everybody wants the same one, mostly.
    let number = random.percent(40) ? 0 : random.below(swarm.itemCount + (random.percent(5) ? 2 : 0))
    return ItemID(unchecked: String(number))
  }

  private func randomUser() -> UserID {
    UserID(unchecked: String(random.below(swarm.userCount + (random.percent(5) ? 1 : 0))))
  }

  private func randomQuantity(_ most: Int) -> Quantity {
    Quantity(unchecked: random.percent(1) ? Quantity.max : Int64(random.within(1...most)))
  }

  private func randomMoney(_ most: Int) -> Money {
    Money(unchecked: random.percent(1) ? Money.max : Int64(random.within(1...most)))
  }

  private func randomCommand(isKeyed: Bool) -> Command {
    // What is made under a key may have been made before.
    let freshness: Freshness = isKeyed ? .derived : .random
    switch random.below(100) {
    case 0..<16:
      let id = OrderID(unchecked: "o\(clients.orders.count)")
      clients.orders.append(id)
      return .orders(.create(id, user: randomUser(), freshness))
    case 16..<40:
      return .orders(.addItem(recentOrder(0...4), randomItem(), randomQuantity(3), price: Money(unchecked: 5)))
    case 40..<43: return .orders(.removeItem(randomOrder(), randomItem()))
    case 43..<70: return .orders(.checkout(random.percent(90) ? recentOrder(3...10) : randomOrder()))
    case 70..<72: return .orders(.remove(randomOrder()))
    case 72..<78: return .stock(.add(randomItem(), randomQuantity(4)))
    case 78..<80: return .stock(.subtract(randomItem(), randomQuantity(3)))
    case 80..<86: return .payments(.addFunds(randomUser(), randomMoney(40)))
    case 86..<88: return .payments(.pay(randomUser(), nil, randomMoney(10)))
    case 88..<93: return .payments(.pay(randomUser(), randomOrder(), Money(unchecked: Int64(5 * random.within(1...4)))))
    case 93..<96: return .payments(.cancel(randomUser(), randomOrder()))
    case 96: return .stock(.create(ItemID(unchecked: "i\(clients.nextNumber())"), price: randomMoney(9), freshness))
    case 97: return .payments(.create(UserID(unchecked: "u\(clients.nextNumber())"), freshness))
    case 98: return .orders(.batchInit(randomOrders()))
    default: return clients.opening(layout)[random.below(2)]
    }
  }

  private func randomOrders() -> OrderBatch {
    OrderBatch(
      numbers: 0..<3, itemCount: Int64(swarm.itemCount), userCount: Int64(swarm.userCount),
      itemPrice: Money(unchecked: Int64(random.within(1...9))), seed: random.next())
  }
}

extension Range<Int> {
  /// One of the range's numbers; nil when it has none.
  fileprivate func randomElement(of random: inout SeededRandom) -> Int? {
    isEmpty ? nil : lowerBound + random.below(count)
  }
}
