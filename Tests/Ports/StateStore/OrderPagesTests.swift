import Model
import PartitionCore
import Ports
import Testing
import TestSupport

/// Which orders a store has, page by page.
@Suite struct OrderPagesTests {
  let orders = PartitionID(.orders, 1)
  let other = PartitionID(.orders, 2)

  private func key(_ id: String) -> EntityKey { .order(OrderID(unchecked: id)) }
  private func order(changedAt: Int64?) -> Entity {
    .order(
      Order(user: UserID(unchecked: "u"), changedAt: changedAt.map { Timestamp(milliseconds: $0) }))
  }
  private func stored(_ id: String, _ changedAt: Int64?) -> StoredOrder {
    StoredOrder(id: OrderID(unchecked: id), changedAt: changedAt.map { Timestamp(milliseconds: $0) })
  }

  /// Ids of every kind of character, in the order of their bytes; other rows beside them.
  @Test(arguments: StoreKind.allCases)
  func pagesAreInTheOrderOfTheKeysBytes(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind, .orders)
    let store = fixture.store
    let epoch = try store.acquire(orders).epoch
    let otherEpoch = try store.acquire(other).epoch
    let ids = ["-z", "0", "10", "9", "A", "Z", "_a", "a", "a-", "aa", "b"]
    let record = IdempotencyRecord(fingerprint: 7, outcome: .done, expiry: Timestamp(milliseconds: 9_000))
    var changes: [(EntityKey, Entity?)] = ids.reversed().map { (key($0), order(changedAt: 7)) }
    changes.append((.idempotency(IdempotencyKey(unchecked: "5")), .idempotency(record)))
    try store.writeNow(batch(orders, 1, changes), epoch: epoch)
    try store.writeNow(batch(other, 1, [(key("c"), order(changedAt: 1))]), epoch: otherEpoch)
    for limit in [1, 2, 3, 5, ids.count, ids.count + 1] {
      var found: [StoredOrder] = []
      var after: OrderID?
      while true {
        let page = try store.ordersNow(of: orders, after: after, limit: limit, epoch: epoch)
        found += page
        #expect(page.count <= limit)
        after = page.last?.id ?? after
        if page.count < limit { break }
      }
      #expect(found == ids.map { stored($0, 7) }, "pages of \(limit)")
    }
    // The order after which a page begins need not exist.
    let after = OrderID(unchecked: "9Z")
    let page = try store.ordersNow(of: orders, after: after, limit: 2, epoch: epoch)
    #expect(page == [stored("A", 7), stored("Z", 7)])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func aPageSeesWhatWasWritten(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind, .orders)
    let store = fixture.store
    let epoch = try store.acquire(orders).epoch
    #expect(try store.ordersNow(of: orders, after: nil, limit: 9, epoch: epoch) == [])
    let first = [(key("a"), order(changedAt: nil)), (key("b"), order(changedAt: 2)), (key("c"), order(changedAt: 3))]
    try store.writeNow(batch(orders, 1, first), epoch: epoch)
    try store.writeNow(batch(orders, 2, [(key("b"), nil), (key("c"), order(changedAt: 4))]), epoch: epoch)
    let page = try store.ordersNow(of: orders, after: nil, limit: 9, epoch: epoch)
    #expect(page == [stored("a", nil), stored("c", 4)])
    let again = try fixture.reopen()
    let next = try again.acquire(orders).epoch
    #expect(try again.ordersNow(of: orders, after: nil, limit: 9, epoch: next) == page)
    again.close()
    #expect { try again.ordersNow(of: orders, after: nil, limit: 9, epoch: next) } throws: {
      ($0 as? StoreFailure)?.code == .closed
    }
  }

  @Test(arguments: StoreKind.allCases)
  func anOwnerThatWasReplacedGetsNone(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind, .orders)
    let store = fixture.store
    let former = try store.acquire(orders).epoch
    try store.writeNow(batch(orders, 1, [(key("a"), order(changedAt: 1))]), epoch: former)
    let owner = try store.acquire(orders).epoch
    #expect { try store.ordersNow(of: orders, after: nil, limit: 9, epoch: former) } throws: {
      ($0 as? StoreFailure)?.code == .fenced
    }
    #expect(try store.ordersNow(of: orders, after: nil, limit: 9, epoch: owner).count == 1)
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func everyPageIsAnsweredOnce(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind, .orders)
    let store = fixture.store
    let epoch = try store.acquire(orders).epoch
    try store.writeNow(batch(orders, 1, [(key("a"), order(changedAt: 1))]), epoch: epoch)
    let pages = (0..<50).map { _ in Answer<[StoredOrder]>() }
    let loads = (0..<50).map { _ in Answer<[EntityChange]>() }
    for place in 0..<50 {
      store.orders(of: orders, after: nil, limit: 9, epoch: epoch) { pages[place].set($0) }
      store.load([key("a")], of: orders, epoch: epoch) { loads[place].set($0) }
    }
    store.close()
    for answer in pages { #expect(try answer.get() == [stored("a", 1)]) }
    for answer in loads { #expect(try answer.get().count == 1) }
    #expect(pages.allSatisfy { $0.count == 1 })
  }
}
