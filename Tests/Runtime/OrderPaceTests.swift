import Model
import Ports
import Testing

@testable import Runtime

@Suite struct OrderPaceTests {
  @Test func boundsAreChecked() {
    #expect(OrderPace().contradiction == nil)
    let changes: [(inout OrderPace) -> Void] = [
      { $0.pageMax = 0 }, { $0.pageMax = StoredOrder.pageMax + 1 }, { $0.sweepMax = 0 },
      { $0.sweepMax = SweepLimits.ordersMax + 1 }, { $0.pageMilliseconds = 0 }, { $0.busyPageMilliseconds = 0 },
      { $0.walkMilliseconds = 0 }, { $0.retryMilliseconds = 0 },
    ]
    for (place, change) in changes.enumerated() {
      var pace = OrderPace()
      change(&pace)
      #expect(pace.contradiction != nil, "change \(place)")
    }
  }
}
