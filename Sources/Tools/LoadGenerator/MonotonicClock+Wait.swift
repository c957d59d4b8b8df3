import Clocks
import Glibc

extension MonotonicClock {
  /// Blocks the calling thread, which has nothing else to do, until the clock shows `moment`.
  static func wait(until moment: Int64) {
    var left = moment - nanoseconds
    while left > 0 {
      poll(nil, 0, Int32(clamping: left / 1_000_000 + 1))
      left = moment - nanoseconds
    }
  }
}

extension Int64 {
  /// A time span in nanoseconds.
  static func nanoseconds(_ seconds: Double) -> Int64 { Int64(Swift.max(0, Swift.min(seconds, 1e9)) * 1e9) }

  /// A time span in seconds.
  var seconds: Double { Double(self) / 1e9 }
}
