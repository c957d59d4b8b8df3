import Model
import Orders
import PartitionCore
import RuleTables
import Testing

/// Orders that have not changed for a day, which is as long as these tables retain them.
@Suite struct SweepTests {
  private static let limits = {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = 86_400_000
    return limits
  }()

  private func check(
    _ table: String, limits: RuleLimits? = Self.limits, rules version: UInt32 = Rules.current
  ) {
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), limits: limits, rules: version)
    #expect(rules.mismatches(table) == [])
  }

  @Test func whatHasNotChangedForLongIsRemoved() {
    check(
      """
      @1000 create o1 alice           → created o1
      @2000 create o2 bob             → created o2
      @86400999 sweep o1 o2 none      → done
      show order o1                   → open 0 by alice
      @86401000 sweep o1 o2 none      → done, forget o1 of alice before 1000 to payments-0
      show order o1                   → unknown
      show order o2                   → open 0 by bob
      show ledger                     → 1 removed, 0 paid for 0
      An order that is named twice is removed once.
      @86402000 sweep o2 o2           → done, forget o2 of bob before 2000 to payments-0
      show ledger                     → 2 removed, 0 paid for 0
      checkout o1                     → refused unknownOrder o1
      create o1 carol                 → created o1
      """)
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
      @90 checkout o1                 → nothing
      Who joins changes nothing.
      show change o1                  → 80
      @100 failed o1/1 outOfStock apple → r12 refused checkoutFailed o1 outOfStock apple, r14 refused checkoutFailed o1 outOfStock apple
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

  /// Whether its money was taken, and how, payments know: the message says what a checkout took.
  @Test func aPaidOrderIsRemovedWithItsReceipt() {
    check(
      """
      @1 create o1 alice               → created o1
      @2 add o1 apple 2 at 5           → total 10
      @3 checkout o1                   → reserve o1/1 0: 0 apple:2 to stock-0
      @4 paid o1/1                     → r3 done
      @86400003 sweep o1               → done
      @86400004 sweep o1               → done, forget o1 of alice before 4 paid o1/1 10 to payments-0
      show order o1                    → unknown
      show ledger                      → 1 removed, 1 paid for 10
      A late message of its checkout changes nothing.
      paid o1/1                        → nothing
      """)
  }

  @Test func aCheckoutUnderWayIsNeverRemoved() {
    check(
      """
      @1 create o1 alice               → created o1
      @2 checkout o1                   → charge o1/1 0 of alice to payments-0
      @900000000 sweep o1              → done
      show order o1                    → checking_out 0 by alice
      @900000001 paid o1/1             → r2 done
      It has changed only now.
      @900000002 sweep o1              → done
      show order o1                    → paid 0 by alice
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

  @Test func withoutARetentionEverythingStays() {
    check(
      """
      @1 create o1 alice               → created o1
      @315360000001 sweep o1           → done
      show order o1                    → open 0 by alice
      """, limits: nil)
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
