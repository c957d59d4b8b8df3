import Model
import Ports

/// How fast an owner walks over the orders in the store to find those that are old enough to be removed.
public struct OrderPace: Hashable, Sendable {
  /// Orders of one page, 1...`StoredOrder.pageMax`.
  public var pageMax = StoredOrder.pageMax
  /// Orders of one sweep, 1...`SweepLimits.ordersMax`.
  public var sweepMax = SweepLimits.ordersMax
  /// Between two pages of a partition if nothing was to be done: a million orders take some hours.
  public var pageMilliseconds: UInt64 = 5_000
  /// After a page with something to do, so that orders go as fast as they come.
  public var busyPageMilliseconds: UInt64 = 500
  /// Between the beginnings of two walks, at least.
  public var walkMilliseconds: UInt64 = 3_600_000
  /// After a page that could not be read.
  public var retryMilliseconds: UInt64 = 30_000

  public init() {}

  /// A sentence about the first bound that is out of range.
  public var contradiction: String? {
    if !(1...StoredOrder.pageMax).contains(pageMax) { return "a page must have 1…\(StoredOrder.pageMax) orders" }
    if !(1...SweepLimits.ordersMax).contains(sweepMax) { return "a sweep must have 1…\(SweepLimits.ordersMax) orders" }
    let times = [pageMilliseconds, busyPageMilliseconds, walkMilliseconds, retryMilliseconds]
    return times.contains(0) ? "every interval of a walk over orders must be at least 1 ms" : nil
  }
}
