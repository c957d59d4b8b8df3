import Model
import PartitionCore
import Payments
import RuleTables
import Testing

@Suite struct FundsTests {
  private func check(_ table: String) {
    var rules = RuleTable<PaymentsMachine>(PartitionID(.payments, 0))
    #expect(rules.mismatches(table) == [])
  }

  @Test func moneyComesAndGoes() {
    check(
      """
      fund alice 10      → refused unknownUser alice
      pay alice 1        → refused unknownUser alice
      pay alice o1 1     → refused unknownUser alice
      cancel alice o1    → refused unknownUser alice
      show user alice    → unknown
      show payment alice o1 → unknown
      create alice       → created alice
      create alice       → refused alreadyExists alice
      pay alice 1        → refused notEnoughCredit alice
      fund alice 10      → done
      pay alice 11       → refused notEnoughCredit alice
      pay alice 4        → done
      show user alice    → 6
      """)
  }

  @Test func aPaymentForAnOrderIsTakenOnceAndGivenBackOnce() {
    check(
      """
      init 0 1 credit 10   → changed 1
      cancel 0 o1          → refused unknownPayment 0 o1
      pay 0 o1 11          → refused notEnoughCredit 0
      show payment 0 o1    → not paid
      pay 0 o1 4           → done
      pay 0 o1 4           → done
      pay 0 o1 5           → refused paymentConflict o1
      show user 0          → 6
      show payment 0 o1    → paid
      cancel 0 o1          → done
      cancel 0 o1          → done
      show user 0          → 10
      show payment 0 o1    → not paid
      Once given back, another amount may be paid.
      pay 0 o1 5           → done
      show user 0          → 5
      """)
  }

  @Test func numbersStayInTheirRange() {
    check(
      """
      create alice                       → created alice
      fund alice 9007199254740991        → done
      fund alice 1                       → refused amountOutOfRange alice
      pay alice 9007199254740991         → done
      What was ever deposited bounds the account, spent or not.
      fund alice 1                       → refused amountOutOfRange alice
      init 0 1 credit 9007199254740991   → changed 1
      pay 0 1                            → done
      init 0 1 credit 9007199254740991   → refused amountOutOfRange 0
      init 0 1 credit 9007199254740990   → changed 1
      show user 0                        → 9007199254740990
      """)
  }
}
