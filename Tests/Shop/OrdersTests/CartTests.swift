import Model
import Orders
import PartitionCore
import RuleTables
import Testing

@Suite struct CartTests {
  private func check(_ table: String, limits: RuleLimits? = nil) {
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), limits: limits)
    #expect(rules.mismatches(table) == [])
  }

  @Test func cartsAreFilledAndEmptied() {
    check(
      """
      remove o1                    → refused unknownOrder o1
      add o1 apple 1 at 5          → refused unknownOrder o1
      take o1 apple                → refused unknownOrder o1
      show order o1                → unknown
      create o1 alice              → created o1
      create o1 bob                → refused alreadyExists o1
      take o1 apple                → refused itemNotInOrder o1 apple
      add o1 pear 1 at 3           → total 3
      add o1 apple 2 at 5          → total 13
      Lines of one item are merged, and the whole line has the price that was told last.
      add o1 apple 1 at 4          → total 15
      show order o1                → open 15 by alice pear:1 apple:3
      take o1 pear                 → total 12
      take o1 pear                 → refused itemNotInOrder o1 pear
      take o1 apple                → total 8
      show order o1                → open 8 by alice apple:2
      remove o1                    → done
      remove o1                    → refused unknownOrder o1
      create o1 bob                → created o1
      show order o1                → open 0 by bob
      """)
  }

  @Test func aLineIsSetToAQuantityHoweverOften() {
    check(
      """
      set o1 apple 2 at 5          → refused unknownOrder o1
      set o1 apple 0 at 0          → refused unknownOrder o1
      create o1 alice              → created o1
      set o1 apple 0 at 0          → total 0
      set o1 apple 2 at 5          → total 10
      set o1 apple 2 at 5          → total 10
      add o1 pear 1 at 3           → total 13
      The whole line has the price that was told last, as with an addition.
      set o1 apple 3 at 4          → total 15
      show order o1                → open 15 by alice apple:3 pear:1
      set o1 apple 0 at 0          → total 3
      set o1 apple 0 at 0          → total 3
      show order o1                → open 3 by alice pear:1
      set o1 pear 9007199254740991 at 2 → refused amountOutOfRange o1
      show order o1                → open 3 by alice pear:1
      checkout o1                  → reserve o1/1 0: 0 pear:1 to stock-0
      set o1 pear 2 at 3           → refused checkoutUnderWay o1
      set o1 pear 0 at 0           → refused checkoutUnderWay o1
      paid o1/1                    → r15 done
      set o1 pear 2 at 3           → refused orderPaid o1
      """)
  }

  @Test func anOrderHasABoundOfLines() {
    var limits = RuleLimits.initial
    limits.orderLinesMax = 2
    check(
      """
      create o1 alice              → created o1
      add o1 apple 1 at 1          → total 1
      add o1 pear 1 at 1           → total 2
      add o1 plum 1 at 1           → refused tooManyLines o1
      set o1 plum 1 at 1           → refused tooManyLines o1
      set o1 plum 0 at 0           → total 2
      add o1 pear 1 at 1           → total 3
      take o1 apple                → total 2
      add o1 plum 1 at 1           → total 3
      """, limits: limits)
  }

  @Test func limitsHoldFromTheirRecordOn() {
    check(
      """
      create o1 alice              → created o1
      add o1 apple 1 at 1          → total 1
      limits 1 1 1 1000            → nothing
      add o1 pear 1 at 1           → refused tooManyLines o1
      limits 2 1 1 1000            → nothing
      add o1 pear 1 at 1           → total 2
      limits 1 1 1 1000            → nothing
      What an order has under higher ones it keeps.
      add o1 pear 1 at 1           → total 3
      show order o1                → open 3 by alice apple:1 pear:2
      """)
  }

  @Test func numbersStayInTheirRange() {
    check(
      """
      create o1 alice                     → created o1
      add o1 apple 9007199254740991 at 2  → refused amountOutOfRange o1
      add o1 apple 9007199254740991 at 1  → total 9007199254740991
      add o1 apple 1 at 1                 → refused amountOutOfRange apple
      add o1 pear 1 at 1                  → refused amountOutOfRange o1
      add o1 pear 1 at 0                  → total 9007199254740991
      show order o1                       → open 9007199254740991 by alice apple:9007199254740991 pear:1
      init 0 2 items 1 users 1 at 4503599627370496 → refused amountOutOfRange item_price
      init 0 2 items 1 users 1 at 4503599627370495 → changed 2
      show order 1                        → open 9007199254740990 by 0 0:2
      """)
  }

  @Test func aBatchRecreatesOrdersButNotWhileOneIsCheckedOut() {
    check(
      """
      init 0 2 items 1 users 1 at 3  → changed 2
      show order 0                   → open 6 by 0 0:2
      show order 1                   → open 6 by 0 0:2
      show order 2                   → unknown
      checkout 1                     → reserve 1/1 0: 0 0:2 to stock-0
      init 0 2 items 1 users 1 at 4  → refused checkoutUnderWay 1
      show order 0                   → open 6 by 0 0:2
      failed 1/1 outOfStock 0        → r5 refused checkoutFailed 1 outOfStock 0
      init 0 2 items 1 users 1 at 4  → changed 2
      show order 0                   → open 8 by 0 0:2
      Attempts go on counting, so that nothing late is taken for the new one.
      checkout 1                     → reserve 1/2 0: 0 0:2 to stock-0
      paid 1/1                       → nothing
      paid 1/2                       → r11 done
      init 0 2 items 1 users 1 at 3  → changed 2
      show order 1                   → open 6 by 0 0:2
      """)
  }

  @Test func whatIsNoCommandOrMessageOfOrdersStopsThePartition() {
    check("commit o1/1 → stopped: entry 0: not a message to orders")
  }
}
