import Model
import PartitionCore
import RuleTables
import Stock
import Testing

@Suite struct SupplyTests {
  private func check(_ table: String) {
    var rules = RuleTable<StockMachine>(PartitionID(.stock, 0))
    #expect(rules.mismatches(table) == [])
  }

  @Test func unitsComeAndGo() {
    check(
      """
      add apple 1         → refused unknownItem apple
      subtract apple 1    → refused unknownItem apple
      show item apple     → unknown
      create apple at 5   → created apple
      create apple at 6   → refused alreadyExists apple
      subtract apple 1    → refused lessInStock apple
      add apple 3         → done
      subtract apple 4    → refused lessInStock apple
      subtract apple 3    → done
      add apple 2         → done
      show item apple     → 2 at 5
      show stock apple    → 2 available 0 held 0 sold of 2
      """)
  }

  @Test func numbersStayInTheirRange() {
    check(
      """
      create apple at 5                → created apple
      add apple 9007199254740991       → done
      add apple 1                      → refused amountOutOfRange apple
      reserve o1/1 0 for alice: 0 apple:1   → charge o1/1 10 of alice to payments-0
      commit o1/1                      → nothing
      What was sold counts: the item has received all that it can.
      add apple 1                      → refused amountOutOfRange apple
      show stock apple                 → 9007199254740990 available 0 held 1 sold of 9007199254740991
      create 0 at 1                    → created 0
      add 0 1                          → done
      reserve o2/1 0 for alice: 0 0:1  → charge o2/1 10 of alice to payments-0
      init 0 1 stock 9007199254740991 at 2  → refused amountOutOfRange 0
      init 0 1 stock 9007199254740990 at 2  → changed 1
      show stock 0                     → 9007199254740990 available 1 held 0 sold of 9007199254740991
      """)
  }

  @Test func aBatchSetsWhatIsAvailableAndLeavesWhatIsHeldOrSold() {
    check(
      """
      init 0 2 stock 5 at 3                → changed 2
      reserve o1/1 0 for alice: 0 0:2 1:1  → charge o1/1 10 of alice to payments-0
      init 0 2 stock 7 at 4                → changed 2
      show item 0                          → 7 at 4
      show stock 0                         → 7 available 2 held 0 sold of 9
      commit o1/1                          → nothing
      init 0 1 stock 0 at 4                → changed 1
      show stock 0                         → 0 available 0 held 2 sold of 2
      """)
  }

  @Test func whatIsNoMessageOfStockStopsThePartition() {
    check("paid o1/1 → stopped: entry 0: not a message to stock")
  }
}
