import Model
import Orders
import PartitionCore
import RuleTables
import Testing

@Suite struct AttemptTests {
  private func check(_ table: String, rules version: UInt32 = Rules.current) {
    var rules = RuleTable<OrdersMachine>(PartitionID(.orders, 0), rules: version)
    #expect(rules.mismatches(table) == [])
  }

  /// An order that is removed and made again, or begun anew by a batch, never repeats an attempt.
  @Test func attemptsAreNumberedByThePartition() {
    check(
      """
      create o1 alice               → created o1
      checkout o1                   → charge o1/1 0 of alice to payments-0
      failed o1/1 outOfCredit alice → r2 refused checkoutFailed o1 outOfCredit alice
      remove o1                     → done
      create o1 bob                 → created o1
      checkout o1                   → charge o1/2 0 of bob to payments-0
      A late message of the first life changes nothing.
      paid o1/1                     → nothing
      create o2 alice               → created o2
      checkout o2                   → charge o2/3 0 of alice to payments-0
      paid o1/2                     → r6 done
      """)
  }

  @Test func underFormerRulesAnOrderNumbersThem() {
    check(
      """
      create o1 alice               → created o1
      create o2 alice               → created o2
      checkout o1                   → charge o1/1 0 of alice to payments-0
      checkout o2                   → charge o2/1 0 of alice to payments-0
      """, rules: Rules.oneWriter)
  }
}
