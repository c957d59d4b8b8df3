import Model
import PartitionCore
import RuleTables
import Stock
import Testing

@Suite struct ReserveTests {
  private func check(_ table: String, limits: RuleLimits? = nil) {
    var rules = RuleTable<StockMachine>(PartitionID(.stock, 0), limits: limits)
    #expect(rules.mismatches(table) == [])
  }

  @Test func whatCanNeverBeIsRefusedAtOnce() {
    check(
      """
      reserve o1/1 0 for alice: 0 apple:1         → failed o1/1 unknownItem apple to orders-0
      init 0 2 stock 2 at 1                       → changed 2
      reserve o2/1 0 for alice: 0 0:3             → failed o2/1 outOfStock 0 to orders-0
      All or none: nothing of the first line is held when the second cannot be.
      reserve o3/1 0 for alice: 0 0:2 1:3         → failed o3/1 outOfStock 1 to orders-0
      show stock 0                                → 2 available 0 held 0 sold of 2
      reserve o4/1 0 for alice: 0 0:2 1:2         → charge o4/1 10 of alice to payments-0
      show stock 1                                → 0 available 2 held 0 sold of 2
      commit o4/1                                 → nothing
      reserve o5/1 0 for alice: 0 0:1             → failed o5/1 outOfStock 0 to orders-0
      """)
  }

  @Test func whoeverWaitsIsServedFirstInFirstOut() {
    check(
      """
      init 0 1 stock 2 at 1                → changed 1
      reserve a/1 0 for alice: 0 0:2       → charge a/1 10 of alice to payments-0
      reserve b/1 0 for bob: 0 0:1         → nothing
      reserve c/1 0 for carol: 0 0:1       → nothing
      show stock 0                         → 0 available 2 held 0 sold of 2 parked b/1 c/1
      release a/1 0 outOfCredit alice: 0 0:2 → failed a/1 outOfCredit alice to orders-0, \
                                           charge b/1 10 of bob to payments-0, \
                                           charge c/1 10 of carol to payments-0
      show stock 0                         → 0 available 2 held 0 sold of 2
      commit b/1                           → nothing
      release c/1 0 outOfCredit carol: 0 0:1 → failed c/1 outOfCredit carol to orders-0
      show stock 0                         → 1 available 0 held 1 sold of 2
      """)
  }

  @Test func nobodyOvertakesWhoeverWaits() {
    check(
      """
      init 0 1 stock 3 at 1                → changed 1
      reserve a/1 0 for alice: 0 0:2       → charge a/1 10 of alice to payments-0
      reserve b/1 0 for bob: 0 0:2         → nothing
      One is available, and bob was there before.
      reserve c/1 0 for carol: 0 0:1       → nothing
      show stock 0                         → 1 available 2 held 0 sold of 3 parked b/1 c/1
      add 0 1                              → done, charge b/1 10 of bob to payments-0
      show stock 0                         → 0 available 4 held 0 sold of 4 parked c/1
      subtract 0 1                         → refused lessInStock 0
      commit a/1                           → nothing
      commit b/1                           → failed c/1 outOfStock 0 to orders-0
      show stock 0                         → 0 available 0 held 4 sold of 4
      """)
  }

  @Test func aSaleMakesAWishImpossible() {
    check(
      """
      init 0 2 stock 1 at 1                → changed 2
      reserve a/1 0 for alice: 0 0:1       → charge a/1 10 of alice to payments-0
      reserve b/1 0 for bob: 0 0:1 1:1     → nothing
      reserve c/1 0 for carol: 0 1:1       → nothing
      When bob is refused, carol, who stood behind him at the other item, is served.
      commit a/1                           → failed b/1 outOfStock 0 to orders-0, charge c/1 10 of carol to payments-0
      show stock 1                         → 0 available 1 held 0 sold of 1
      """)
  }

  @Test func aBatchServesWhoeverWaits() {
    check(
      """
      init 0 1 stock 1 at 1                → changed 1
      reserve a/1 0 for alice: 0 0:1       → charge a/1 10 of alice to payments-0
      reserve b/1 0 for bob: 0 0:1         → nothing
      init 0 1 stock 1 at 1                → changed 1, charge b/1 10 of bob to payments-0
      show stock 0                         → 0 available 2 held 0 sold of 2
      """)
  }

  @Test func theQueueOfAnItemIsBounded() {
    var limits = RuleLimits.initial
    limits.itemParkedMax = 1
    check(
      """
      init 0 2 stock 1 at 1                → changed 2
      reserve a/1 0 for alice: 0 0:1       → charge a/1 10 of alice to payments-0
      reserve b/1 0 for bob: 0 0:1         → nothing
      reserve c/1 0 for carol: 0 0:1 1:1   → failed c/1 tooManyWaiting 0 to orders-0
      show stock 1                         → 1 available 0 held 0 sold of 1
      """, limits: limits)
  }
}
