import Model
import PartitionCore
import Wire

// The audit of what is left when everything is at rest.

extension World {
  func auditEnd() {
    auditor.auditRest()
    auditWaiting()
    auditLimits()
    for owner in owners where violation == nil { auditStore(of: owner) }
    if violation == nil { auditLedgers() }
    for partition in layout.partitions where violation == nil { auditReplay(of: partition) }
  }

  /// The store's rows are what the auditor says, memory shows nothing else, and this owner has answered everything it
  /// decided.
  private func auditStore(of owner: Owner) {
    do {
      let rows = try store.entities(of: owner.partition)
      auditor.audit(rows, of: owner.partition)
      let stored = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.value) })
      owner.driver.forEachEntity { key, value in
        if stored[key] != value {
          fail("\(owner.partition) has \(value) in memory, the store \(String(describing: stored[key]))")
        }
      }
      auditor.auditAnswers(of: owner)
    } catch {
      fail("the store's rows of \(owner.partition) cannot be read: \(error)")
    }
  }

  /// A replay of the whole log from zero leads to the same rows, by hash, and answers every request the same.
  private func auditReplay(of partition: PartitionID) {
    var limits = swarm.limits
    limits.residentMax = 1_000_000
    limits.loadKeysMax = 1_000_000
    var driver = Self.makeDriver(
      partition, layout, limits, Recovery(header: nil, pinned: []), bug: nil)
    var effects = Effects()
    for offset in 0..<log.count(of: partition) {
      driver.deliver(log.delivery(partition, offset))
      while driver.canStep {
        driver.step(into: &effects)
        let keys = driver.keysToLoad()
        if !keys.isEmpty { driver.loaded(keys.map { EntityChange(key: $0, value: nil) }, at: 0, into: &effects) }
      }
    }
    for withheld in effects.replies { auditor.judge(withheld.reply) }
    var replayed = StateHash()
    driver.forEachEntity { replayed.insert($0, $1) }
    do {
      var stored = StateHash()
      for row in try store.entities(of: partition) { stored.insert(row.key, row.value) }
      if stored != replayed { fail("the store of \(partition) is not what a replay of its log gives") }
      if try store.header(of: partition)?.ledger ?? Ledger() != driver.ledger {
        fail("the ledger of \(partition) is not what a replay of its log gives")
      }
      hash.fold(Array(stored.description.utf8))
    } catch {
      fail("the store's rows of \(partition) cannot be read: \(error)")
    }
  }

  /// What was sold was paid for, and the money was taken from somebody.
  private func auditLedgers() {
    var totals: [Ledger] = Service.allCases.map { _ in Ledger() }
    for owner in owners {
      let service = Int(owner.partition.service.rawValue)
      totals[service].checkouts &+= owner.driver.ledger.checkouts
      totals[service].checkoutMoney &+= owner.driver.ledger.checkoutMoney
      totals[service].unitsSold &+= owner.driver.ledger.unitsSold
    }
    if totals[0].unitsSold != totals[1].unitsSold { fail("units of paid orders and units sold differ: \(totals)") }
    if totals[0].checkouts != totals[2].checkouts { fail("paid orders and charges differ: \(totals)") }
    if totals[0].checkoutMoney != totals[2].checkoutMoney { fail("what was paid and taken differs: \(totals)") }
    auditor.audit(totals)
  }
}
