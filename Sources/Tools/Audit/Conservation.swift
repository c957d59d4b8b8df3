import Model
import PartitionCore

/// Checks whether stock and money are conserved in a state in which every checkout has ended.
struct Conservation {
  private(set) var findings: [String] = []
  private(set) var totals = AuditTotals()

  private var itemsSold: UInt64 = 0
  private var spent: UInt64 = 0
  private var paidByHand: UInt64 = 0
  private var paidWithoutOrder: UInt64 = 0
  /// What checkouts took, by user and order.
  private var charged: [EntityKey: Payment] = [:]
  /// The payments that no checkout made.
  private var otherPayments: Set<EntityKey> = []
  private var paidOrders: [(OrderID, Order)] = []
  /// Users whose account was started over: what was taken for a former order may have made room for a payment by hand.
  private var renewed: Set<UserID> = []

  /// The most findings listed.
  static let findingsMax = 50

  mutating func find(_ sentence: String) {
    if findings.count < Self.findingsMax { findings.append(sentence) }
    totals.findings += 1
  }

  mutating func check(_ key: EntityKey, _ entity: Entity, in partition: PartitionID) {
    totals.entities += 1
    switch (key, entity) {
    case (.order(let id), .order(let order)): check(id, order)
    case (.item(let id), .item(let item)): check(id, item)
    case (.user(let id), .user(let user)): check(id, user)
    case (.payment(let user, let order), .payment(let payment)): check(user, order, payment)
    case (.hold(let attempt), .hold): find("checkout \(attempt) still holds stock in \(partition) and nothing ends it")
    default: break
    }
  }

  private mutating func check(_ id: OrderID, _ order: Order) {
    totals.orders += 1
    switch order.status {
    case .open: break
    case .checkingOut: find("the checkout of order \(id) never ends")
    case .paid:
      totals.paidOrders += 1
      paidOrders.append((id, order))
    }
  }

  private mutating func check(_ id: ItemID, _ item: Item) {
    totals.items += 1
    let sum = item.available.value + item.held.value + item.sold.value
    if sum != item.received.value {
      find(
        "item \(id) received \(item.received) units, and has \(item.available) available, \(item.held) held, "
          + "\(item.sold) sold")
    }
    if item.held != .zero { find("item \(id) has \(item.held) units held that no checkout will free") }
    if !item.parked.isEmpty { find("\(item.parked.count) checkouts wait for item \(id) forever") }
    itemsSold &+= UInt64(item.sold.value)
  }

  private mutating func check(_ id: UserID, _ user: User) {
    totals.users += 1
    if user.era > 0 { renewed.insert(id) }
    if user.deposited.value != user.credit.value + user.spent.value {
      find("user \(id) got \(user.deposited), spent \(user.spent), and has \(user.credit)")
    }
    spent &+= UInt64(user.spent.value)
    paidWithoutOrder &+= UInt64(user.spentWithoutOrder.value)
  }

  private mutating func check(_ user: UserID, _ order: OrderID, _ payment: Payment) {
    switch payment.status {
    case .byHand:
      paidByHand &+= UInt64(payment.amount.value)
      otherPayments.insert(.payment(user, order))
    case .checkout: charged[.payment(user, order)] = payment
    case .refunded: otherPayments.insert(.payment(user, order))
    }
  }

  /// Compares the services with each other. The ledgers are the sums of each service's partitions.
  mutating func finish(orders: Ledger, stock: Ledger, payments: Ledger) {
    for (id, order) in paidOrders {
      let cost = order.lines.reduce(into: Int64(0)) { $0 &+= $1.price.value &* $1.quantity.value }
      let key = EntityKey.payment(order.user, id)
      guard let payment = charged[key] else {
        if renewed.contains(order.user), otherPayments.contains(key) { continue }
        find("order \(id) is paid and no money was taken from user \(order.user)")
        continue
      }
      if payment.amount.value != cost {
        find("order \(id) costs \(cost) and \(payment.amount) was taken from user \(order.user)")
      }
      // Both are of the rules that number a partition's attempts.
      if order.attempt > AttemptID.ofOrderMax, payment.attempt > 0, payment.attempt != order.attempt {
        find("order \(id) was paid by its checkout \(order.attempt), and the money taken by \(payment.attempt)")
      }
    }
    let pairs: [(String, UInt64, UInt64)] = [
      ("checkouts: paid at orders, charged at payments", orders.checkouts, payments.checkouts),
      ("money of checkouts: at orders, at payments", orders.checkoutMoney, payments.checkoutMoney),
      ("removed orders: paid ones at orders, forgotten payments", orders.removedCheckouts, payments.removedCheckouts),
      ("money of removed orders: at orders, at payments", orders.removedMoney, payments.removedMoney),
      ("units: of paid orders, sold at stock", orders.unitsSold, stock.unitsSold),
      ("units sold: of all items, in stock's ledger", itemsSold, stock.unitsSold),
      (
        "money spent: by all users, by checkouts and by hand", spent,
        payments.checkoutMoney &+ paidByHand &+ paidWithoutOrder
      ),
    ]
    for (what, left, right) in pairs where left != right { find("\(what): \(left) and \(right)") }
    totals.checkouts = payments.checkouts
    totals.unitsSold = stock.unitsSold
    totals.moneyTaken = payments.checkoutMoney
  }
}

/// What an audit counted.
package struct AuditTotals: Hashable, Sendable {
  package var entities = 0
  package var orders = 0
  package var paidOrders = 0
  package var items = 0
  package var users = 0
  package var checkouts: UInt64 = 0
  package var unitsSold: UInt64 = 0
  package var moneyTaken: UInt64 = 0
  /// All findings, listed or not.
  package var findings = 0
}
