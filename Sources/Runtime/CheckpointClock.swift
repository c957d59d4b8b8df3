/// When a partition's checkpoints are due: once an interval, at its own moments, so that the checkpoints of a lane
/// stay spread over the interval: a lane that takes them all at once answers nobody in the meantime.
///
/// Times are milliseconds of the lane's clock.
struct CheckpointClock {
  private var interval: UInt64 = 1
  private(set) var dueAt: UInt64 = 0

  /// Due immediately.
  init() {}

  /// - Parameters:
  ///   - interval: at least 1.
  ///   - share: the partition's part of the interval, from 0 to `count - 1`.
  init(from now: UInt64, every interval: UInt64, share: Int, of count: Int) {
    self.interval = interval
    dueAt = now + interval * UInt64(share + 1) / UInt64(max(1, count))
  }

  func isDue(_ now: UInt64) -> Bool { dueAt <= now }

  /// A checkpoint has ended, on time, late or early: the next one is due at the partition's next moment, whatever
  /// came before.
  mutating func ended(_ now: UInt64) {
    let moment = now - now % interval + dueAt % interval
    dueAt = moment > now ? moment : moment + interval
  }
}
