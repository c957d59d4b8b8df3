import Model
import PartitionCore
import Ports

@testable import Runtime

/// What the benches of a test of old orders share: one process after another.
final class RetentionWorld: Sendable {
  let log = MemoryRecordLog(partitionCount: 4)
  let store = MemoryStore()
  let time = BenchTime()

  func bench(run: UInt64 = 1, retention: Int64? = 60_000) throws -> OwnerBench {
    try OwnerBench(incarnation: run, log: log, store: store, time: time) {
      $0.rules.orderRetentionMilliseconds = retention
      $0.orderPace = Self.pace
    }
  }

  /// Orders in the store, of all partitions.
  var stored: Set<String> {
    var found: Set<String> = []
    for index in 0..<4 {
      for case .order(let id) in store.contents(of: PartitionID(.orders, UInt16(index))).entities.keys {
        found.insert(id.text)
      }
    }
    return found
  }

  static var pace: OrderPace {
    var pace = OrderPace()
    // Small pages and sweeps, so that a few orders are many of them.
    (pace.pageMax, pace.sweepMax) = (3, 2)
    (pace.pageMilliseconds, pace.busyPageMilliseconds, pace.walkMilliseconds) = (1, 1, 5)
    pace.retryMilliseconds = 10
    return pace
  }
}
