import Glibc

/// Nanoseconds since an arbitrary moment; never runs backwards.
enum MonotonicClock {
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// Blocks the calling thread, which has nothing else to do, until the clock shows `moment`.
  static func wait(until moment: Int64) {
    var left = moment - now()
    while left > 0 {
      poll(nil, 0, Int32(clamping: left / 1_000_000 + 1))
      left = moment - now()
    }
  }
}

extension Int64 {
  /// A time span in nanoseconds.
  static func nanoseconds(_ seconds: Double) -> Int64 { Int64(Swift.max(0, Swift.min(seconds, 1e9)) * 1e9) }

  /// A time span in seconds.
  var seconds: Double { Double(self) / 1e9 }
}
