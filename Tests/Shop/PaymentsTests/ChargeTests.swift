import Model
import PartitionCore
import Payments
import RuleTables
import Testing

@Suite struct ChargeTests {
  private func check(_ table: String, of count: Int = 1) {
    var rules = RuleTable<PaymentsMachine>(PartitionID(.payments, 0), of: count)
    #expect(rules.mismatches(table) == [])
  }

  @Test func aChargeThatIsDeclinedGoesBackAlongTheSlip() {
    check(
      """
      charge o1/1 4 for 0: 0 a:1 | 2 b:1   → release o1/1 1 unknownUser 0 to stock-2
      init 0 1 credit 3                    → changed 1
      charge o1/2 4 for 0: 0 a:1 | 2 b:1   → release o1/2 1 outOfCredit 0 to stock-2
      An order without lines has nothing to release.
      charge o2/1 4 for 0:                 → failed o2/1 outOfCredit 0 to orders-2
      show user 0                          → 3
      show payment 0 o1                    → not paid
      """, of: 4)
  }

  @Test func aChargeNotifiesTheOrderAndEveryStop() {
    check(
      """
      init 0 1 credit 10                   → changed 1
      charge o1/1 4 for 0: 0 a:1 | 2 b:1   → paid o1/1 to orders-3, commit o1/1 to stock-0, commit o1/1 to stock-2
      show user 0                          → 6
      show payment 0 o1                    → paid
      cancel 0 o1                          → refused paymentConflict o1
      pay 0 o1 4                           → done
      pay 0 o1 5                           → refused paymentConflict o1
      show user 0                          → 6
      """, of: 4)
  }

  @Test func aPaymentByHandIsAdopted() {
    check(
      """
      init 0 1 credit 10                   → changed 1
      pay 0 o1 4                           → done
      charge o1/1 5 for 0: 0 a:1           → release o1/1 0 paymentConflict o1 to stock-0
      charge o1/2 4 for 0: 0 a:1           → paid o1/2 to orders-0, commit o1/2 to stock-0
      show user 0                          → 6
      cancel 0 o1                          → refused paymentConflict o1
      pay 0 o2 3                           → done
      cancel 0 o2                          → done
      What was given back is not adopted.
      charge o2/1 4 for 0: 0 a:1           → paid o2/1 to orders-0, commit o2/1 to stock-0
      show user 0                          → 2
      """)
  }

  @Test func whatIsNoMessageOfPaymentsStopsThePartition() {
    check("commit o1/1 → stopped: entry 0: not a message to payments")
  }
}
