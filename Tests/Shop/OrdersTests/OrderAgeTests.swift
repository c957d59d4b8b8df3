import Model
import Orders
import PartitionCore
import RuleTables
import Testing

/// When an order last changed.
@Suite struct OrderAgeTests {
  private func check(_ table: String, rules version: UInt32 = Rules.current) {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = 86_400_000
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), limits: limits, rules: version)
    #expect(rules.mismatches(table) == [])
  }

  @Test func everyChangeBeginsTheTimeAnew() {
    check(
      """
      @10 create o1 alice             → created o1
      @20 add o1 apple 2 at 5         → total 10
      show change o1                  → 20
      @30 set o1 apple 3 at 5         → total 15
      show change o1                  → 30
      @40 set o1 apple 0 at 5         → total 0
      show change o1                  → 40
      @50 set o1 apple 0 at 5         → total 0
      Nothing was there to be taken away.
      show change o1                  → 40
      @60 add o1 apple 2 at 5         → total 10
      @70 take o1 apple               → total 5
      show change o1                  → 70
      @80 checkout o1                 → reserve o1/1 0: 0 apple:1 to stock-0
      show change o1                  → 80
      @100 failed o1/1 outOfStock apple → r13 refused checkoutFailed o1 outOfStock apple
      show change o1                  → 100
      @110 take o1 pear               → refused itemNotInOrder o1 pear
      show change o1                  → 100
      @120 checkout o1                → reserve o1/2 0: 0 apple:1 to stock-0
      @130 paid o1/2                  → r19 done
      show change o1                  → 130
      @140 init 0 1 items 1 users 1 at 5 → changed 1
      show change 0                   → 140
      @150 init 0 1 items 1 users 1 at 5 → changed 0
      show change 0                   → 150
      """)
  }

  @Test func whoJoinsACheckoutChangesNothing() {
    check(
      """
      @1 create o1 alice              → created o1
      @2 checkout o1                  → charge o1/1 0 of alice to payments-0
      @3 checkout o1                  → nothing
      show change o1                  → 2
      """)
  }

  /// Orders of former rules do not know when they changed: their time begins when a sweep first meets them.
  @Test func anOrderOfUnknownAgeBeginsToAge() {
    check(
      """
      @1 create o1 alice               → created o1
      show change o1                   → unknown
      @900000000 sweep o1              → done
      The former rules know no sweeps.
      show change o1                   → unknown
      rules 4                          → nothing
      @900000010 sweep o1              → done
      show change o1                   → 900000010
      @986400009 sweep o1              → done
      show order o1                    → open 0 by alice
      @986400010 sweep o1              → done, forget o1 of alice before 900000010 to payments-0
      """, rules: Rules.eras)
  }

  /// The former rules decide as before, with the same rows.
  @Test func theFormerRulesStampNothing() {
    check(
      """
      create o1 alice                  → created o1
      add o1 apple 2 at 5              → total 10
      init 0 1 items 1 users 1 at 5    → changed 1
      show change o1                   → unknown
      show change 0                    → unknown
      """, rules: Rules.eras)
  }
}
