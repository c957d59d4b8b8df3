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

  @Test func ordersAreRetainedForADayToTenYears() {
    var limits = RuleLimits.initial
    #expect(limits.orderRetentionMilliseconds == nil)
    for fitting in [86_400_000, 315_360_000_000] as [Int64] {
      limits.orderRetentionMilliseconds = fitting
      #expect(limits.contradiction == nil)
    }
    limits.orderRetentionMilliseconds = 86_399_999
    #expect(limits.contradiction == "orderRetentionMilliseconds (86399999) must be at least 86400000, a day")
    limits.orderRetentionMilliseconds = 315_360_000_001
    #expect(
      limits.contradiction == "orderRetentionMilliseconds (315360000001) must not exceed 315360000000, ten years")
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
