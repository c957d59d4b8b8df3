import Model
import PartitionCore
import Testing

@Suite struct LimitsTests {
  @Test func defaultsFitTogether() {
    #expect(CoreLimits().contradiction == nil)
    #expect(RuleLimits.initial.contradiction == nil)
  }

  @Test(arguments: ["orderLinesMax", "orderWaitersMax", "itemParkedMax"])
  func noMoreThanRecordsCanHold(_ name: String) {
    let (bound, highest) =
      switch name {
      case "orderLinesMax": (\RuleLimits.orderLinesMax, RuleLimits.Highest.orderLinesMax)
      case "orderWaitersMax": (\RuleLimits.orderWaitersMax, RuleLimits.Highest.orderWaitersMax)
      default: (\RuleLimits.itemParkedMax, RuleLimits.Highest.itemParkedMax)
      }
    check(name, bound, highest)
  }

  @Test func keysExpireWithinTenYears() {
    check(
      "idempotencyExpiryMilliseconds", \.idempotencyExpiryMilliseconds,
      RuleLimits.Highest.idempotencyExpiryMilliseconds)
  }

  private func check<Value: BinaryInteger>(
    _ name: String, _ bound: WritableKeyPath<RuleLimits, Value>, _ highest: Value
  ) {
    var limits = RuleLimits.initial
    limits[keyPath: bound] = highest
    #expect(limits.contradiction == nil)
    limits[keyPath: bound] = highest + 1
    #expect(limits.contradiction == "\(name) (\(highest + 1)) must not exceed \(highest): records cannot hold more")
    limits[keyPath: bound] = 0
    #expect(limits.contradiction == "\(name) (0) must be at least 1")
  }
}
