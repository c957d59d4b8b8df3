import Model
import PartitionCore
import Payments
import RuleTables
import Testing

/// The same for payments of an earlier era of the account, or of former rules.
@Suite struct ForgetFormerTests {
  private func check(_ table: String, rules version: UInt32 = Rules.current) {
    var rules = RuleTable<PaymentsMachine>(PartitionID(.payments, 0), rules: version)
    #expect(rules.mismatches(table) == [])
  }

  /// After the account was started over, another payment may stand where the checkout's did.
  @Test func aPaymentOfAnEarlierEraIsForgotten() {
    check(
      """
      init 0 1 credit 10                    → changed 1
      charge o1/1 4 for 0:                  → paid o1/1 to orders-0
      charge o2/2 1 for 0:                  → paid o2/2 to orders-0
      @5 pay 0 o3 2                         → done
      init 0 1 credit 10                    → changed 1
      @7 pay 0 o2 3                         → done
      show account 0                        → 7 of 17, 10 spent, 0 without an order
      forget o1 of 0 before 9 paid o1/1 4   → nothing
      show ledger                           → 0 removed, 1 paid for 4
      What the order cost is accounted for; what was paid by hand in its place is old, too.
      forget o2 of 0 before 9 paid o2/2 1   → nothing
      show ledger                           → 0 removed, 2 paid for 5
      show account 0                        → 7 of 17, 10 spent, 3 without an order
      forget o3 of 0 before 9               → nothing
      show account 0                        → 7 of 17, 10 spent, 5 without an order
      """)
  }

  /// Under former rules payments knew neither their attempt nor their time.
  @Test func aPaymentOfFormerRulesIsForgotten() {
    check(
      """
      create alice                              → created alice
      fund alice 10                             → done
      charge o1/1 4 for alice:                  → paid o1/1 to orders-0
      pay alice o2 3                            → done
      rules 4                                   → nothing
      forget o1 of alice before 1 paid o1/1 4   → nothing
      forget o2 of alice before 1               → nothing
      show ledger                               → 0 removed, 1 paid for 4
      show account alice                        → 3 of 10, 7 spent, 3 without an order
      """, rules: Rules.oneWriter)
  }
}
