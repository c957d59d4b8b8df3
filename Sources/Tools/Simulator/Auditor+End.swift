import Model
import PartitionCore

// What must hold once everything is at rest.

extension Auditor {
  /// Every message has arrived, every saga has ended, nothing is held and nobody waits.
  func auditRest() {
    for (receiver, sources) in expected.enumerated() {
      for (source, messages) in sources.enumerated() {
        guard let message = messages.first else { continue }
        fail("\(layout.partitions[receiver]) never got \(message.message) from \(layout.partitions[source])")
      }
    }
    auditFeeds()
    for partition in layout.partitions where partition.service == .stock {
      if !holds[Int(partition.index)].isEmpty { fail("\(partition) holds something at the end") }
    }
    for id in orders.keys.sorted() where orders[id]?.status == .checkingOut { fail("order \(id) never ended") }
    for id in items.keys.sorted() {
      guard let item = items[id] else { continue }
      if item.held != .zero || !item.parked.isEmpty { fail("item \(id) is held or waited for at the end") }
    }
    auditMoney()
    auditRemoval()
  }

  /// What users have spent is what their orders cost, what they paid directly, and what they paid for nothing.
  private func auditMoney() {
    var loose: Int64 = 0
    var spent: Int64 = 0
    var byHand: Int64 = 0
    for user in users.values {
      spent += user.spent.value
      loose += user.spentWithoutOrder.value
    }
    for payment in payments.values where payment.status == .byHand { byHand += payment.amount.value }
    if spent != loose + byHand + chargedMoney {
      fail("\(spent) was spent; \(loose) loose, \(byHand) by hand and \(chargedMoney) by checkouts is known of")
    }
    if chargedMoney != paidMoney { fail("\(paidMoney) was paid for orders, \(chargedMoney) was taken") }
    if soldUnits != paidUnits { fail("\(soldUnits) units were sold, \(paidUnits) were paid for") }
    if charged.count != paidCount { fail("\(paidCount) orders were paid, \(charged.count) were charged") }
  }

  /// The running totals that the partitions keep, by service.
  func audit(_ totals: [Ledger]) {
    if Int64(totals[0].checkouts) != Int64(paidCount) || Int64(totals[1].unitsSold) != soldUnits
      || Int64(totals[2].checkoutMoney) != chargedMoney
      || Int(totals[0].removedOrders) != removal.orders || Int(totals[0].removedCheckouts) != removal.paidOrders
      || Int64(totals[0].removedMoney) != removal.paidMoney || Int(totals[2].removedCheckouts) != removal.forgotten
      || Int64(totals[2].removedMoney) != removal.forgottenMoney
    {
      fail(
        "the ledgers \(totals) are not what happened: \(paidCount) orders, \(soldUnits) units, "
          + "\(chargedMoney), \(removal)")
    }
  }

  /// The rows of a partition are exactly those that should exist.
  func audit(_ rows: [(key: EntityKey, value: Entity)], of partition: PartitionID) {
    let right = entities(of: partition)
    for row in rows where right[row.key] != row.value {
      return fail("\(partition) stored \(row); right is \(String(describing: right[row.key]))")
    }
    guard rows.count != right.count else { return }
    let stored = Set(rows.map(\.key))
    let missing = right.keys.filter { !stored.contains($0) }.map { "\($0)" }.sorted()
    fail("\(partition) lacks \(missing)")
  }

  private func entities(of partition: PartitionID) -> [EntityKey: Entity] {
    let slot = layout.slot(partition)
    let partitioner = layout.partitioner
    var entities: [EntityKey: Entity] = [:]
    for (key, record) in keys[slot] where record.expiry > now[slot] {
      entities[.idempotency(key)] = .idempotency(record)
    }
    switch partition.service {
    case .orders:
      for (id, order) in orders where partitioner.partition(of: id) == partition {
        entities[.order(id)] = .order(order)
      }
    case .stock:
      for (id, item) in items where partitioner.partition(of: id) == partition { entities[.item(id)] = .item(item) }
      for (id, hold) in holds[Int(partition.index)] { entities[.hold(id)] = .hold(hold) }
    case .payments:
      for (id, user) in users where partitioner.partition(of: id) == partition { entities[.user(id)] = .user(user) }
      for (key, payment) in payments where partitioner.partition(of: key.user) == partition {
        entities[.payment(key.user, key.order)] = .payment(payment)
      }
    }
    return entities
  }
}
