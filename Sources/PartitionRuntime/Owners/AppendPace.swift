/// Keeps a partition that is at work from appending more often than is worth a request to the log.
///
/// Each append costs the broker, the processes between and the other partitions a fixed price, however much is in it.
/// Under load everything that comes within a pace therefore travels together; after a rest nothing waits. As long as
/// the pace is not longer than appends take anyway, nobody's answer comes later for it.
///
/// Times are milliseconds of the lane's clock.
struct AppendPace {
  /// When the partition appended last.
  private var lastAt: UInt64?
  /// From when on it may append again.
  private(set) var nextAt: UInt64 = 0

  mutating func appended(at now: UInt64, every pace: UInt64) {
    // Twice a pace without an append is a rest.
    let isAtWork = lastAt.map { now - min($0, now) < 2 * pace } ?? false
    nextAt = isAtWork ? now + pace : now
    lastAt = now
  }
}
