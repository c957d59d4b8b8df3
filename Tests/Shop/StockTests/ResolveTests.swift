import Model
import PartitionCore
import RuleTables
import Stock
import Testing

@Suite struct ResolveTests {
  /// Stock partition 1 of 4, in the middle of a slip's way.
  private func check(_ table: String) {
    var rules = RuleTable<StockMachine>(PartitionID(.stock, 1), of: 4)
    #expect(rules.mismatches(table) == [])
  }

  @Test func aHoldIsResolvedOnce() {
    check(
      """
      commit o1/1                                       → nothing
      release o1/1 0 outOfCredit alice: 1 a:2           → nothing
      create a at 1                                     → created a
      add a 5                                           → done
      reserve o1/1 1 for alice: 0 x:1 | 1 a:2 | 3 z:1   → reserve o1/1 2: 0 x:1 | 1 a:2 | 3 z:1 to stock-3
      A repetition, and a message that comes to the wrong stop.
      reserve o1/1 1 for alice: 0 x:1 | 1 a:2 | 3 z:1   → nothing
      release o1/1 0 outOfStock z: 1 a:2                → nothing
      show stock a                                      → 3 available 2 held 0 sold of 5
      commit o1/1                                       → nothing
      show stock a                                      → 3 available 0 held 2 sold of 5
      commit o1/1                                       → nothing
      release o1/1 1 outOfStock z: 0 x:1 | 1 a:2        → nothing
      show stock a                                      → 3 available 0 held 2 sold of 5
      """)
  }

  @Test func compensationGoesBackAlongTheSlip() {
    check(
      """
      create a at 1                                     → created a
      add a 2                                           → done
      A refusal at this stop goes to the one before it.
      reserve o1/1 1 for alice: 0 x:1 | 1 a:3 | 3 z:1   → release o1/1 0 outOfStock a to stock-0
      A failure further on releases what is held here, then goes on backwards.
      reserve o2/1 1 for alice: 0 x:1 | 1 a:2 | 3 z:1   → reserve o2/1 2: 0 x:1 | 1 a:2 | 3 z:1 to stock-3
      release o2/1 1 outOfStock z: 0 x:1 | 1 a:2 | 3 z:1 → release o2/1 0 outOfStock z to stock-0
      show stock a                                      → 2 available 0 held 0 sold of 2
      """)
  }

  @Test func aSlipAtAStopThatIsNotHereStopsThePartition() {
    check("reserve o1/1 0 for alice: 0 x:1 → stopped: entry 0: a slip of o1/4294967296 at a stop that is not here")
    check("reserve o1/1 7 for alice: 1 x:1 → stopped: entry 0: a slip of o1/4294967296 at a stop that is not here")
  }
}
