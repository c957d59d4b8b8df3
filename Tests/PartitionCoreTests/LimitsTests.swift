import PartitionCore
import Testing

@Suite struct LimitsTests {
  @Test func defaultsFitTogether() { #expect(CoreLimits().contradiction == nil) }

  @Test(arguments: ["orderLinesMax", "orderWaitersMax", "itemParkedMax"])
  func noMoreThanRecordsCanTell(_ name: String) {
    let (bound, highest) =
      switch name {
      case "orderLinesMax": (\CoreLimits.orderLinesMax, CoreLimits.Highest.orderLinesMax)
      case "orderWaitersMax": (\CoreLimits.orderWaitersMax, CoreLimits.Highest.orderWaitersMax)
      default: (\CoreLimits.itemParkedMax, CoreLimits.Highest.itemParkedMax)
      }
    var limits = CoreLimits()
    limits[keyPath: bound] = highest
    #expect(limits.contradiction == nil)
    limits[keyPath: bound] = highest + 1
    #expect(limits.contradiction == "\(name) (\(highest + 1)) must not exceed \(highest): records cannot tell of more")
    limits[keyPath: bound] = 0
    #expect(limits.contradiction != nil)
  }
}
