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

  @Test func withoutARetentionEverythingStays() {
    check(
      """
      @1 create o1 alice               → created o1
      @315360000001 sweep o1           → done
      show order o1                    → open 0 by alice
      """, limits: nil)
  }
}
