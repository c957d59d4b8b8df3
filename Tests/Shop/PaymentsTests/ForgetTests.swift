import Model
import PartitionCore
import Payments
import RuleTables
import Testing

/// What becomes of a payment whose order was removed.
@Suite struct ForgetTests {
  private func check(_ table: String, rules version: UInt32 = Rules.current) {
    var rules = RuleTable<PaymentsMachine>(PartitionID(.payments, 0), rules: version)
    #expect(rules.mismatches(table) == [])
  }

  /// The ledger has the money that the row stood for.
  @Test func whatACheckoutTookIsForgottenOnce() {
    check(
      """
      create alice                              → created alice
      fund alice 10                             → done
      charge o1/1 4 for alice:                  → paid o1/1 to orders-0
      forget o1 of alice before 9 paid o1/1 4   → nothing
      show payment alice o1                     → not paid
      show account alice                        → 6 of 10, 4 spent, 0 without an order
      show ledger                               → 0 removed, 1 paid for 4
      There is no row any more, and nothing says why: an audit has to notice.
      forget o1 of alice before 9 paid o1/1 4   → nothing
      show ledger                               → 0 removed, 1 paid for 4
      """)
  }

  /// What was paid by hand stays spent, for no order.
  @Test func whatWasPaidByHandIsForgotten() {
    check(
      """
      create alice                   → created alice
      fund alice 10                  → done
      @5 pay alice o1 3              → done
      @6 pay alice o2 2              → done
      @7 cancel alice o2             → done
      forget o1 of alice before 7    → nothing
      show payment alice o1          → not paid
      show account alice             → 7 of 10, 3 spent, 3 without an order
      forget o2 of alice before 7    → nothing
      cancel alice o2                → refused unknownPayment alice o2
      show account alice             → 7 of 10, 3 spent, 3 without an order
      show ledger                    → 0 removed, 0 paid for 0
      """)
  }

  /// Somebody who has just paid does not lose sight of the money because the order is old.
  @Test func whatWasPaidByHandSinceStays() {
    check(
      """
      create alice                   → created alice
      fund alice 10                  → done
      @8 pay alice o1 3              → done
      forget o1 of alice before 7    → nothing
      show payment alice o1          → paid
      @20 cancel alice o1            → done
      forget o1 of alice before 19   → nothing
      @21 cancel alice o1            → done
      show account alice             → 10 of 10, 0 spent, 0 without an order
      """)
  }

  /// The order may have been made again, and be paid already, when the message comes.
  @Test func thePaymentOfALaterOrderStays() {
    check(
      """
      create alice                              → created alice
      fund alice 10                             → done
      charge o1/2 4 for alice:                  → paid o1/2 to orders-0
      forget o1 of alice before 9 paid o1/1 4   → nothing
      show payment alice o1                     → paid
      forget o1 of alice before 9               → nothing
      show payment alice o1                     → paid
      forget o1 of bob before 9 paid o1/1 4     → nothing
      show user bob                             → unknown
      """)
  }
}
