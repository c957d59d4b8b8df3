import Model
import Orders
import PartitionCore
import Payments
import Stock
import Streams
import Tenancy

// The end of a run: no more faults, everything comes to rest, and what is left is audited.

extension Fleet {
  func comeToRest() {
    isResting = true
    for pod in pods {
      pod.pausedUntil = 0
      pod.skew = 0
    }
    for slot in logs.indices { logs[slot].showAll() }
    for index in pods.indices {
      cutFromLog[index] = 0
      cutFromStore[index] = 0
      cutFromPeers[index] = 0
    }
    orphans = []
    noticeSetBack()
    for round in 0..<8_000 where violation == nil {
      clock += 5
      if round % 50 == 0 { for slot in logs.indices { logs[slot].showAll() } }
      for _ in 0..<6 { deliverPacket() }
      turn()
      appendNext()
      readLog()
      storeWork()
      tend()
      ingestWork()
      if round % 40 == 0 {
        quarantine()
        skipLost()
      }
      // Nobody announced an owner, or a connection broke before that.
      if round % 100 == 0 { resume() }
      if round % 20 == 0, isAtRest { return }
    }
    if violation == nil { fail(whatMoves) }
  }

  /// The next write to or read from a restored store reveals the restore; here everybody notices.
  private func noticeSetBack() {
    for pod in pods {
      for (slot, seat) in pod.seats.enumerated() {
        guard let seat, store.header(slot)?.number ?? 0 < seat.tenancy.checkpointedNumber else { continue }
        seat.tenancy.fenced(.fenced)
        perform(TenancyActions(), pod, slot, seat)
      }
    }
  }

  /// What a pod does after a while without an answer: ask again.
  private func resume() {
    for pod in pods {
      for slot in layout.partitions.indices {
        pod.greetingsAsked[slot] = nil
        pod.seats[slot]?.greetingsAsked = [:]
        guard let seat = pod.seats[slot], seat.tenancy.ending == nil, seat.isAnnounced else { continue }
        for other in pods where other !== pod {
          send(.owned(seat.tenancy.owner, slot, pod: pod.index), from: pod, to: other.index)
        }
      }
    }
  }

  private var isAtRest: Bool {
    appends.isEmpty && confirmations.isEmpty && whatIsIngested == nil && links.allSatisfy { $0.allSatisfy(\.isEmpty) }
      && pods.allSatisfy { $0.streams.allSatisfy(\.isEmpty) }
      && layout.partitions.indices.allSatisfy { slot in
        guard let seat = pods[wanted[slot]].seats[slot] else { return false }
        let tenancy = seat.tenancy
        return tenancy.ending == nil && tenancy.mayReveal && tenancy.queuedCount == 0 && tenancy.unconfirmedCount == 0
          && tenancy.unacknowledgedCount == 0 && !tenancy.isBehind && !tenancy.isCheckpointing && !tenancy.wantsTurn
      }
  }

  /// A sentence on what keeps the fleet from coming to rest.
  private var whatMoves: String {
    for slot in layout.partitions.indices {
      let name = "\(layout.partitions[slot])"
      guard let seat = pods[wanted[slot]].seats[slot] else { return "nobody owns \(name) at the end" }
      let tenancy = seat.tenancy
      if tenancy.ending != nil { return "\(name) is stopped at the end" }
      if tenancy.isReplaying { return "\(name) replays forever" }
      if !tenancy.mayReveal { return "\(name) never serves" }
      if tenancy.unacknowledgedCount > 0 {
        return "messages of \(name) never arrived: \(tenancy.outboxText)"
      }
      if tenancy.queuedCount > 0 || tenancy.wantsTurn { return "inputs of \(name) are never applied" }
      if tenancy.isBehind { return "\(name) is never checkpointed" }
    }
    for pod in pods {
      for (slot, stream) in pod.streams.enumerated() where !stream.isEmpty {
        return "commands to \(layout.partitions[slot]) of \(stream.source) never arrived: \(stream.acknowledged) "
          + "acknowledged, \(stream.sent) sent, \(stream.numbered) numbered, \(stream.count) kept; "
          + "owner \(stream.owner.map { "\($0)" } ?? "nil"), known \(pod.owners[slot].map { "\($0)" } ?? "nil")"
      }
    }
    return whatIsIngested ?? "something is on its way forever"
  }

  func auditEnd() {
    auditor.auditRest()
    for request in clients.waiting where violation == nil {
      fail(
        "request \(request.id) to \(request.partition) was never answered; "
          + (auditor.outcomes[request.id].map { "its outcome is \($0.outcome)" } ?? "it is in no log"))
    }
    for (slot, partition) in layout.partitions.enumerated() where violation == nil {
      let rows = store.rows(slot).filter { !isExpired($0.value, slot) }
      auditor.audit(rows.map { ($0.key, $0.value) }.sorted { "\($0.key)" < "\($1.key)" }, of: partition)
      pods[wanted[slot]].seats[slot]?.tenancy.forEachEntity { key, value in
        if rows[key] != value {
          fail("\(partition) has \(value) in memory, the store \(String(describing: rows[key]))")
        }
      }
      if let limits = pods[wanted[slot]].seats[slot]?.tenancy.ruleLimits, limits != pods[wanted[slot]].limits {
        fail("\(partition) decides under \(limits); its owner wants \(pods[wanted[slot]].limits)")
      }
      auditReplay(of: slot)
    }
    if violation == nil { auditLedgers() }
  }

  private func isExpired(_ entity: Entity, _ slot: Int) -> Bool {
    guard case .idempotency(let record) = entity else { return false }
    return record.expiry <= store.header(slot)?.now ?? .zero
  }

  /// The log from its beginning leads to the same rows.
  private func auditReplay(of slot: Int) {
    func replay<Machine: StateMachine>(_ machine: Machine.Type) {
      var limits = swarm.limits
      limits.core.residentMax = 1_000_000
      limits.core.stepEntriesMax = 1_000_000
      limits.core.loadKeysMax = 1_000_000
      let newest = store.epoch(slot) + 1
      let owner = OwnerID(epoch: newest, run: 0)
      var tenancy = Tenancy<Machine>(
        partition: layout.partitions[slot], owner: owner, partitioner: layout.partitioner, mode: .shared,
        limits: limits, wantedLimits: .initial, wantedRules: Rules.oldest,
        recovery: Recovery(quarantined: Set(store.quarantined[slot].map { Int64(clamping: $0) })))
      for (offset, record) in logs[slot].records.enumerated() {
        tenancy.deliver(record, at: Int64(offset))
        var actions = TenancyActions()
        tenancy.advanceReplay(at: 0, into: &actions)
        while !actions.loads.isEmpty {
          let keys = actions.loads
          actions = TenancyActions()
          tenancy.loaded(keys.map { EntityChange(key: $0, value: nil) }, at: 0, into: &actions)
          tenancy.advanceReplay(at: 0, into: &actions)
        }
      }
      if tenancy.number != store.header(slot)?.number ?? 0 {
        return fail(
          "a replay of \(layout.partitions[slot]) from its beginning ends at record \(tenancy.number), not at "
            + "\(store.header(slot)?.number ?? 0): \(tenancy.phase)")
      }
      var entities: [EntityKey: Entity] = [:]
      tenancy.forEachEntity { entities[$0] = $1 }
      let stored = store.rows(slot).filter { !isExpired($0.value, slot) }
      let keys = Set(entities.keys).union(stored.keys).filter { entities[$0] != stored[$0] }
      if let key = keys.min(by: { "\($0)" < "\($1)" }) {
        fail(
          "a replay of \(layout.partitions[slot]) from its beginning gives \(key) as "
            + "\(String(describing: entities[key])), not as \(String(describing: stored[key]))")
      }
    }
    switch layout.partitions[slot].service {
    case .orders: replay(OrdersMachine.self)
    case .stock: replay(StockMachine.self)
    case .payments: replay(PaymentsMachine.self)
    }
  }

  private func auditLedgers() {
    var totals: [Ledger] = Service.allCases.map { _ in Ledger() }
    for (slot, partition) in layout.partitions.enumerated() {
      guard let ledger = pods[wanted[slot]].seats[slot]?.tenancy.ledger else { continue }
      let service = Int(partition.service.rawValue)
      totals[service].checkouts &+= ledger.checkouts
      totals[service].checkoutMoney &+= ledger.checkoutMoney
      totals[service].unitsSold &+= ledger.unitsSold
      totals[service].removedOrders &+= ledger.removedOrders
      totals[service].removedCheckouts &+= ledger.removedCheckouts
      totals[service].removedMoney &+= ledger.removedMoney
    }
    auditor.audit(totals)
  }

  // MARK: A log that loses acknowledged records

  /// An epilogue: a log loses its newest records. Nothing its owner appends after that may be revealed, as no later
  /// owner could follow the log.
  func amputate() {
    let slot = random.below(logs.count)
    guard logs[slot].records.count > 3 else { return }
    amputated = slot
    tally.amputated += 1
    let lost = logs[slot].lose(random.within(1...2))
    filters[slot].lose(lost)
    isResting = false
    for _ in 0..<600 where violation == nil {
      clock += 5
      showInTime()
      if random.percent(10) { request() }
      deliverPacket()
      turn()
      appendNext()
      readLog()
      tend()
    }
  }
}
