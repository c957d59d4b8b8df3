import Model
import PartitionCore
import Ports
import Testing
import TestSupport

/// What every store does, whatever it is made of.
@Suite struct StoreConformanceTests {
  let stock = PartitionID(.stock, 1)
  let other = PartitionID(.stock, 2)

  @Test(arguments: StoreKind.allCases)
  func beginsEmpty(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let ownership = try store.acquire(stock)
    #expect(ownership.epoch == 1)
    #expect(ownership.recovery.header == nil && ownership.recovery.pinned.isEmpty)
    let rows = try store.loadNow([item("b"), item("a")], of: stock, epoch: 1)
    #expect(rows == [EntityChange(key: item("b"), value: nil), EntityChange(key: item("a"), value: nil)])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func keepsTheNewestValueOfEachKey(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let epoch = try store.acquire(stock).epoch
    let otherEpoch = try store.acquire(other).epoch
    try store.writeNow(batch(stock, 1, [(item("a"), stockOf(1)), (item("b"), stockOf(2))]), epoch: epoch)
    try store.writeNow(batch(other, 1, [(item("a"), stockOf(9))]), epoch: otherEpoch)
    try store.writeNow(
      batch(stock, 2, [(item("c"), stockOf(3)), (item("b"), nil), (item("a"), stockOf(4))]), epoch: epoch)
    let rows = try store.loadNow([item("c"), item("b"), item("a")], of: stock, epoch: epoch)
    #expect(rows.map(\.value) == [stockOf(3), nil, stockOf(4)])
    #expect(try store.loadNow([item("a")], of: other, epoch: otherEpoch).map(\.value) == [stockOf(9)])
    let twice = [(item("a"), stockOf(5)), (item("b"), stockOf(6)), (item("a"), nil), (item("b"), stockOf(7))]
    try store.writeNow(batch(other, 2, twice), epoch: otherEpoch)
    let last = try store.loadNow([item("a"), item("b")], of: other, epoch: otherEpoch)
    #expect(last.map(\.value) == [nil, stockOf(7)])
    let header = try store.acquire(stock).recovery.header
    #expect(header == batch(stock, 2, []).header)
    store.close()
  }

  /// A store that was restored knows fewer epochs than the log: whoever takes a partition over tells it.
  @Test(arguments: StoreKind.allCases)
  func raisesTheEpochAboveWhatTheCallerKnows(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    #expect(try store.acquire(stock, above: 41).epoch == 42)
    #expect(try store.acquire(stock, above: 7).epoch == 43)
    #expect(try store.acquire(stock, above: 43).epoch == 44)
    try store.writeNow(batch(stock, 1, [(item("a"), stockOf(1))]), epoch: 44)
    #expect(try store.acquire(stock).recovery.header?.offset == 1)
    #expect(throws: StoreFailure.self) { try store.acquire(other, above: .max) }
    #expect(try store.acquire(other, above: 3).epoch == 4)
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func refusesAnOwnerThatWasReplaced(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let zombie = try store.acquire(stock).epoch
    try store.writeNow(batch(stock, 1, [(item("a"), stockOf(1))]), epoch: zombie)
    let owner = try store.acquire(stock).epoch
    #expect(owner > zombie)
    let late = batch(stock, 2, [(item("a"), stockOf(7)), (item("b"), stockOf(7))])
    #expect { try store.writeNow(late, epoch: zombie) } throws: { ($0 as? StoreFailure)?.code == .fenced }
    #expect { try store.loadNow([item("a")], of: stock, epoch: zombie) } throws: {
      ($0 as? StoreFailure)?.code == .fenced
    }
    let rows = try store.loadNow([item("a"), item("b")], of: stock, epoch: owner)
    #expect(rows.map(\.value) == [stockOf(1), nil])
    #expect(try store.acquire(stock).recovery.header?.offset == 1)
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func recoversHoldsAndTheItemsTheyName(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let epoch = try store.acquire(stock).epoch
    let attempt = AttemptID(order: OrderID(unchecked: "o1"), number: 2)
    let line = Slip.Line(item: ItemID(unchecked: "b"), quantity: .one)
    let slip = Slip(
      attempt: attempt, user: UserID(unchecked: "u"), total: Money(unchecked: 5),
      stops: [Slip.Stop(partition: 1, lines: [line])], trace: nil)
    let hold = Entity.hold(Hold(slip: slip, stop: 0, status: .parked))
    var parkedAt = Item(price: Money(unchecked: 5))
    parkedAt.parked = [attempt]
    try store.writeNow(
      batch(stock, 1, [(item("a"), stockOf(1)), (item("b"), .item(parkedAt)), (.hold(attempt), hold)]), epoch: epoch)
    let pinned = try store.acquire(stock).recovery.pinned
    #expect(
      Set(pinned) == [
        EntityChange(key: .hold(attempt), value: hold), EntityChange(key: item("b"), value: .item(parkedAt)),
      ])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func forgetsExpiredIdempotencyKeys(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let epoch = try store.acquire(stock).epoch
    func key(_ text: String) -> EntityKey { .idempotency(IdempotencyKey(unchecked: text)) }
    func record(_ expiry: Int64) -> Entity {
      .idempotency(IdempotencyRecord(fingerprint: 7, outcome: .done, expiry: Timestamp(milliseconds: expiry)))
    }
    try store.writeNow(
      batch(stock, 1, [(key("a"), record(5_000)), (key("b"), record(5_001)), (key("c"), record(9_000))]), epoch: epoch)
    try store.writeNow(batch(stock, 5, [(key("c"), record(4_000))]), epoch: epoch)
    let rows = try store.loadNow([key("a"), key("b"), key("c")], of: stock, epoch: epoch)
    #expect(rows.map(\.value) == [nil, record(5_001), nil])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func completesEveryCallOnceAndThenRefuses(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let epoch = try store.acquire(stock).epoch
    let loads = (0..<50).map { _ in Answer<[EntityChange]>() }
    let writes = (0..<50).map { _ in Answer<Void>() }
    for place in 0..<50 {
      let change = batch(stock, Int64(place), [(item("\(place)"), stockOf(Int64(place)))])
      store.write(change, epoch: epoch) { writes[place].set($0) }
      store.load([item("0")], of: stock, epoch: epoch) { loads[place].set($0) }
    }
    store.close()
    for answer in loads { #expect(try answer.get().count == 1) }
    for answer in writes { try answer.get() }
    #expect { try store.loadNow([item("0")], of: stock, epoch: epoch) } throws: {
      ($0 as? StoreFailure)?.code == .closed
    }
    #expect { try store.acquire(stock) } throws: { ($0 as? StoreFailure)?.code == .closed }
    #expect(loads.allSatisfy { $0.count == 1 } && writes.allSatisfy { $0.count == 1 })
  }
}
