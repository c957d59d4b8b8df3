import Model
import Orders
import PartitionCore
import RuleTables
import Testing

@Suite struct IdempotencyTests {
  private func check(_ table: String, limits: RuleLimits? = nil, rules version: UInt32 = Rules.current) {
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), limits: limits, rules: version)
    #expect(rules.mismatches(table) == [])
  }

  @Test func aKeyGivesItsOutcomeAgain() {
    check(
      """
      key=k add o1 apple 1 at 5          → refused unknownOrder o1
      create o1 alice                    → created o1
      key=k add o1 apple 1 at 5          → refused unknownOrder o1 again
      key=k print=2 add o1 apple 1 at 5  → refused idempotencyKeyReused k
      key=l add o1 apple 1 at 5          → total 5
      key=l add o1 apple 1 at 5          → total 5 again
      key=m create o1 alice              → refused alreadyExists o1
      show order o1                      → open 5 by alice apple:1
      """)
  }

  @Test func aRepeatedCheckoutJoinsTheOneUnderWay() {
    check(
      """
      create o1 alice            → created o1
      key=k checkout o1          → charge o1/1 0 of alice to payments-0
      key=k checkout o1          → nothing
      key=k print=2 checkout o1  → refused idempotencyKeyReused k
      paid o1/1                  → r2 done, r3 done
      key=k checkout o1          → done again
      key=l checkout o1          → done
      """)
  }

  @Test func aRefusalThatMayPassLeavesTheKeyFree() {
    check(
      """
      create o1 alice                  → created o1
      key=k checkout o1                → charge o1/1 0 of alice to payments-0
      failed o1/1 tooManyWaiting apple → r2 refused checkoutFailed o1 tooManyWaiting apple
      key=k checkout o1                → charge o1/2 0 of alice to payments-0
      failed o1/2 outOfCredit alice    → r4 refused checkoutFailed o1 outOfCredit alice
      key=k checkout o1                → refused checkoutFailed o1 outOfCredit alice again
      """)
  }

  @Test func notWhileACheckoutIsUnderWayIsNoOutcome() {
    check(
      """
      create o1 alice                  → created o1
      checkout o1                      → charge o1/1 0 of alice to payments-0
      key=k add o1 apple 1 at 5        → refused checkoutUnderWay o1
      key=l print=2 remove o1          → refused checkoutUnderWay o1
      failed o1/1 outOfCredit alice    → r2 refused checkoutFailed o1 outOfCredit alice
      key=k add o1 apple 1 at 5        → total 5
      key=k add o1 apple 1 at 5        → total 5 again
      The key was used for nothing, so anything may use it.
      key=l add o1 pear 1 at 1         → total 6
      key=m print=3 init 0 1 items 1 users 1 at 1 → changed 1
      checkout 0                       → reserve 0/2 0: 0 0:2 to stock-0
      key=n init 0 1 items 1 users 1 at 1 → refused checkoutUnderWay 0
      paid 0/2                         → r10 done
      key=n init 0 1 items 1 users 1 at 1 → changed 1
      Paid is an outcome.
      checkout o1                      → reserve o1/3 0: 0 apple:1 pear:1 to stock-0
      paid o1/3                        → r14 done
      key=p remove o1                  → refused orderPaid o1
      key=p remove o1                  → refused orderPaid o1 again
      """)
  }

  @Test func theOldestRulesKeptIt() {
    check(
      """
      create o1 alice                  → created o1
      checkout o1                      → charge o1/1 0 of alice to payments-0
      key=k add o1 apple 1 at 5        → refused checkoutUnderWay o1
      failed o1/1 outOfCredit alice    → r2 refused checkoutFailed o1 outOfCredit alice
      key=k add o1 apple 1 at 5        → refused checkoutUnderWay o1 again
      """, rules: Rules.oldest)
  }

  /// Found by the simulator: the request that could not join freed the key of the one under way.
  @Test func whoCannotJoinLeavesTheKeyToTheCheckoutUnderWay() {
    var limits = RuleLimits.initial
    limits.orderWaitersMax = 1
    check(
      """
      create o1 alice            → created o1
      key=k checkout o1          → charge o1/1 0 of alice to payments-0
      key=k checkout o1          → refused tooManyJoined o1
      key=k print=2 create o2 bob → refused idempotencyKeyReused k
      paid o1/1                  → r2 done
      key=k checkout o1          → done again
      """, limits: limits)
  }

  @Test func keysExpireByTheTimesOfTheRecords() {
    var limits = RuleLimits.initial
    limits.idempotencyExpiryMilliseconds = 1_000
    check(
      """
      create o1 alice                 → created o1
      @5000 key=k add o1 apple 1 at 5 → total 5
      @5999 key=k add o1 apple 1 at 5 → total 5 again
      A clock that runs backwards brings nothing back.
      @6000 take o1 apple             → total 0
      @4000 key=k add o1 apple 1 at 5 → total 5
      @6999 key=k add o1 apple 1 at 5 → total 5 again
      @7000 key=k add o1 apple 1 at 5 → total 10
      """, limits: limits)
  }

  /// Found by the simulator: after a recovery a key that had to be freed stayed in the store.
  @Test func aKeyIsFreedThoughARecoveryDidNotLoadIt() throws {
    let token = IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 1)
    let waiter = Waiter(request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: token)
    let id = OrderID(unchecked: "o1")
    let order = Order(user: UserID(unchecked: "alice"), status: .checkingOut, attempt: 1, waiters: [waiter])
    let partitioner = try #require(Partitioner(count: 1))
    var loop = PartitionLoop<OrdersMachine>(
      partition: PartitionID(.orders, 0), partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: []))
    let failed = PartitionMessage(
      source: PartitionID(.stock, 0), position: SourcePosition(offset: 0, index: 0),
      message: .failed(AttemptID(order: id, number: 1), .tooManyWaiting(ItemID(unchecked: "apple"))))
    loop.deliver(
      Delivery(
        partition: loop.partition, offset: 0, position: .zero,
        content: .record(Record(entries: [Entry(time: .zero, body: .message(failed))]))))
    var effects = Effects()
    loop.step(into: &effects)
    let keys = loop.keysToLoad()
    #expect(keys == [.order(id)])
    loop.loaded([EntityChange(key: .order(id), value: .order(order))], into: &effects)
    loop.step(into: &effects)
    loop.takeCheckpoint()
    let written = loop.checkpointToWrite(durable: .zero)
    let batch = try #require(written)
    #expect(batch.changes.contains(EntityChange(key: .idempotency(token.key), value: nil)))
  }
}
