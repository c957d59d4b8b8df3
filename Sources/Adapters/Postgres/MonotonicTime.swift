import Glibc

/// A clock that nobody sets.
enum MonotonicTime {
  static var milliseconds: Int { microseconds / 1_000 }

  static var microseconds: Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
  }
}
