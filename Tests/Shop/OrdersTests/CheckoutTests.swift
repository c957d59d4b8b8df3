import Model
import Orders
import PartitionCore
import RuleTables
import Testing

@Suite struct CheckoutTests {
  private func check(_ table: String, limits: RuleLimits? = nil) {
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), limits: limits)
    #expect(rules.mismatches(table) == [])
  }

  @Test func aCheckoutFreezesTheCartUntilItEnds() {
    check(
      """
      checkout o1             → refused unknownOrder o1
      create o1 alice         → created o1
      add o1 pear 1 at 3      → total 3
      add o1 apple 2 at 5     → total 13
      The slip's lines ascend by item, whatever their order in the cart.
      checkout o1             → reserve o1/1 0: 0 apple:2 pear:1 to stock-0
      show order o1           → checking_out 13 by alice pear:1 apple:2
      add o1 pear 1 at 3      → refused checkoutUnderWay o1
      take o1 pear            → refused checkoutUnderWay o1
      remove o1               → refused checkoutUnderWay o1
      failed o1/1 outOfStock pear  → r5 refused checkoutFailed o1 outOfStock pear
      show order o1           → open 13 by alice pear:1 apple:2
      take o1 pear            → total 10
      checkout o1             → reserve o1/2 0: 0 apple:2 to stock-0
      paid o1/2               → r13 done
      show order o1           → paid 10 by alice apple:2
      add o1 pear 1 at 3      → refused orderPaid o1
      take o1 apple           → refused orderPaid o1
      remove o1               → refused orderPaid o1
      checkout o1             → done
      """)
  }

  @Test func anEmptyCartGoesStraightToThePayment() {
    check(
      """
      create o1 alice  → created o1
      checkout o1      → charge o1/1 0 of alice to payments-0
      paid o1/1        → r2 done
      """)
  }

  @Test func messagesOfOtherAttemptsChangeNothing() {
    check(
      """
      paid o1/1                    → nothing
      create o1 alice              → created o1
      paid o1/1                    → nothing
      checkout o1                  → charge o1/1 0 of alice to payments-0
      paid o1/2                    → nothing
      failed o1/1 outOfCredit alice → r4 refused checkoutFailed o1 outOfCredit alice
      failed o1/1 outOfCredit alice → nothing
      paid o1/1                    → nothing
      checkout o1                  → charge o1/2 0 of alice to payments-0
      failed o1/1 outOfCredit alice → nothing
      paid o1/2                    → r9 done
      """)
  }

  @Test func everybodyWhoWaitsIsAnswered() {
    var limits = RuleLimits.initial
    limits.orderWaitersMax = 2
    check(
      """
      create o1 alice              → created o1
      checkout o1                  → charge o1/1 0 of alice to payments-0
      checkout o1                  → nothing
      checkout o1                  → refused tooManyJoined o1
      failed o1/1 outOfCredit alice → r2 refused checkoutFailed o1 outOfCredit alice, \
                                   r3 refused checkoutFailed o1 outOfCredit alice
      checkout o1                  → charge o1/2 0 of alice to payments-0
      paid o1/2                    → r6 done
      """, limits: limits)
  }
}
