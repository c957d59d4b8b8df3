import Model
import PartitionCore
import Payments
import RuleTables
import Testing

@Suite struct EraTests {
  private func check(_ table: String, rules version: UInt32 = Rules.current) {
    var rules = RuleTable<PaymentsMachine>(PartitionID(.payments, 0), rules: version)
    #expect(rules.mismatches(table) == [])
  }

  /// What was paid before counts for nothing afterwards: the money is back.
  @Test func aBatchResetsTheAccount() {
    check(
      """
      init 0 2 credit 10      → changed 2
      pay 0 o1 4              → done
      charge o2/1 3 for 0:    → paid o2/1 to orders-0
      init 0 2 credit 10      → changed 1
      show user 0             → 10
      show payment 0 o1       → not paid
      show payment 0 o2       → not paid
      cancel 0 o1             → refused unknownPayment 0 o1
      cancel 0 o2             → refused unknownPayment 0 o2
      Its order is not free.
      charge o1/2 4 for 0:    → paid o1/2 to orders-0
      show user 0             → 6
      pay 0 o1 4              → done
      pay 0 o2 3              → done
      show user 0             → 3
      cancel 0 o2             → done
      show user 0             → 6
      What was paid by hand, given back or not, can be paid once more.
      init 0 1 credit 5       → changed 1
      pay 0 o2 2              → done
      cancel 0 o2             → done
      init 0 1 credit 5       → changed 1
      """)
  }

  /// With the same credit as before, too: what was paid no longer counts.
  @Test func anAccountThatIsResetHasChanged() {
    check(
      """
      init 0 2 credit 10      → changed 2
      init 0 2 credit 10      → changed 0
      fund 0 4                → done
      pay 0 o1 4              → done
      show user 0             → 10
      init 0 2 credit 10      → changed 1
      show payment 0 o1       → not paid
      """)
  }

  /// `spent` is always what payments and `spentWithoutOrder` say together.
  @Test func moneyPaidInAnEarlierEraStaysSpent() {
    check(
      """
      init 0 1 credit 10      → changed 1
      pay 0 o1 4              → done
      pay 0 o2 1              → done
      init 0 1 credit 10      → changed 1
      pay 0 o1 2              → done
      show account 0          → 8 of 15, 7 spent, 4 without an order
      charge o2/1 3 for 0:    → paid o2/1 to orders-0
      show account 0          → 5 of 15, 10 spent, 5 without an order
      """)
  }

  @Test func theFormerRulesLeaveWhatIsPaid() {
    check(
      """
      init 0 2 credit 10   → done
      pay 0 o1 4           → done
      init 0 2 credit 3    → done
      show user 0          → 3
      show payment 0 o1    → paid
      cancel 0 o1          → done
      show user 0          → 7
      """, rules: Rules.oneWriter)
  }
}
