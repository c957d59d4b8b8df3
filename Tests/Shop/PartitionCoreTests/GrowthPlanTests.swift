import Model
import PartitionCore
import Streams
import Testing

@Suite struct GrowthPlanTests {
  private let partition = PartitionID(.orders, 1)

  private func refusal(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test(arguments: [
    (8, 12, "12 is not a multiple of the 8 partitions that the shop has; possible counts: 16, 24, 32, 40"),
    (8, 8, "8 is not more than the 8 partitions that the shop has; possible counts: 16, 24, 32, 40"),
    (8, 4, "4 is not more than the 8 partitions that the shop has; possible counts: 16, 24, 32, 40"),
    (8, 0, "a service can have 1 to 256 partitions, not 0; possible counts: 16, 24, 32, 40"),
    (128, 384, "a service can have 1 to 256 partitions, not 384; possible counts: 256"),
    (200, 400, "a service can have 1 to 256 partitions, not 400; it has as many as it can have"),
  ])
  func refusesCounts(_ old: Int, _ new: Int, _ told: String) {
    #expect(refusal { _ = try GrowthPlan(from: old, to: new) } == told)
  }

  /// What is under way, and the words that tell it.
  @Test(arguments: [
    (
      EntityKey.order(OrderID(unchecked: "o")),
      Entity.order(Order(user: UserID(unchecked: "u"), status: .checkingOut)), "order o is being checked out"
    ),
    (.item(ItemID(unchecked: "i")), .item(Item(price: .zero, held: .one)), "holds units of item i"),
    (
      .item(ItemID(unchecked: "i")),
      .item(Item(price: .zero, parked: [AttemptID(order: OrderID(unchecked: "o"), number: 1)])), "or waits for some"
    ),
  ])
  func refusesWhatIsUnderWay(_ key: EntityKey, _ entity: Entity, _ told: String) throws {
    let plan = try GrowthPlan(from: 2, to: 4)
    let found = refusal { _ = try plan.places(of: key, entity, in: partition, at: .zero) }
    #expect(found.contains(told) && found.contains("start the shop without callers"), "\(found)")
  }

  @Test func refusesARowOfAnotherPartition() throws {
    let plan = try GrowthPlan(from: 2, to: 4)
    let order = OrderID(unchecked: "o")
    let other = PartitionID(.orders, 1 - plan.from.partition(of: order).index)
    let found = refusal {
      _ = try plan.places(of: .order(order), .order(Order(user: UserID(unchecked: "u"))), in: other, at: .zero)
    }
    #expect(found.contains("has a row of orders-") && found.contains("kassa verify"), "\(found)")
  }

  private func header(
    _ partition: PartitionID, offset: Int64 = 4, received: [ReceivedNumbers.Row] = [], caused: [CausedCount] = []
  ) -> CheckpointHeader {
    var ledger = Ledger()
    (ledger.attempts, ledger.checkouts, ledger.checkoutMoney) = (17, 12, 99)
    return CheckpointHeader(
      partition: partition, owner: OwnerID(epoch: 3, run: 4), number: 4, isReleased: true, offset: offset,
      now: Timestamp(milliseconds: 77), rulesVersion: 5, limits: .initial, ledger: ledger, received: received,
      caused: caused)
  }

  @Test(arguments: [
    (Int64(5), 0, ""), (4, 0, "its log ends before offset 4"), (8, 0, "3 records of its log are not in the store yet"),
    (5, 2, "2 messages have not arrived"),
  ])
  func refusesLogsBeyondTheStoreAndMessages(_ next: Int64, _ unsent: Int, _ told: String) {
    let standing = GrowthPlan.Standing(header: header(partition), nextOffset: next, unsentMessages: unsent)
    let found = refusal { try GrowthPlan.check([partition: standing]) }
    #expect(told.isEmpty ? found.isEmpty : found.hasPrefix("orders-1: \(told)"), "\(found)")
  }

  @Test(arguments: [UInt64(6), 7, 8]) func refusesMessagesThatDidNotArrive(_ received: UInt64) {
    let stock = PartitionID(.stock, 0)
    let row = ReceivedNumbers.Row(source: .partition(partition), number: received, at: .zero)
    let standings = [
      partition: GrowthPlan.Standing(
        header: header(partition, caused: [CausedCount(destination: stock, number: 7)]), nextOffset: 5,
        unsentMessages: 0),
      stock: GrowthPlan.Standing(header: header(stock, received: [row]), nextOffset: 5, unsentMessages: 0),
    ]
    let found = refusal { try GrowthPlan.check(standings) }
    #expect(found.isEmpty == (received == 7), "\(found)")
  }

  @Test(arguments: [(1, 2), (2, 4), (8, 24), (3, 12)]) func everyKeyGoesToOneHeir(_ old: Int, _ new: Int) throws {
    let plan = try GrowthPlan(from: old, to: new)
    var heirs: [UInt16] = []
    for index in 0..<old {
      let own = plan.heirs(of: UInt16(index))
      #expect(own.first == UInt16(index) && own.allSatisfy { plan.source(of: $0) == UInt16(index) })
      heirs += own
    }
    #expect(heirs.sorted() == (0..<UInt16(new)).map { $0 })
    for number in 0..<500 {
      let user = UserID(unchecked: "user\(number)")
      let (before, after) = (plan.from.partition(of: user), plan.to.partition(of: user).index)
      #expect(try plan.places(of: .user(user), .user(User()), in: before, at: .zero) == [after])
      let payment = EntityKey.payment(user, OrderID(unchecked: "o"))
      let paid = Entity.payment(Payment(amount: .zero, status: .byHand))
      #expect(try plan.places(of: payment, paid, in: before, at: .zero) == [after])
      #expect(plan.heirs(of: before.index).contains(after))
    }
  }

  /// A key's row goes wherever a repetition may, unless it has expired.
  @Test func keysGoToAllHeirs() throws {
    let plan = try GrowthPlan(from: 2, to: 6)
    let key = EntityKey.idempotency(IdempotencyKey(unchecked: "k"))
    let record = IdempotencyRecord(fingerprint: 1, outcome: nil, expiry: Timestamp(milliseconds: 10))
    func places(_ now: Int64) throws -> [UInt16] {
      try plan.places(of: key, .idempotency(record), in: partition, at: Timestamp(milliseconds: now))
    }
    #expect(try places(9) == [1, 3, 5])
    #expect(try places(10) == [1])
  }

  @Test func newPartitionsBeginWithTimeRulesAndAttempts() throws {
    let plan = try GrowthPlan(from: 2, to: 4)
    let new = try #require(plan.header(of: PartitionID(.orders, 3), from: header(partition)))
    var ledger = Ledger()
    ledger.attempts = 17
    #expect(
      new
        == CheckpointHeader(
          partition: PartitionID(.orders, 3), offset: 0, now: Timestamp(milliseconds: 77), rulesVersion: 5,
          limits: .initial, ledger: ledger))
    #expect(plan.header(of: PartitionID(.orders, 3), from: nil) == nil)
    #expect(plan.header(of: PartitionID(.orders, 3), from: header(partition, offset: -1)) == nil)
  }
}
