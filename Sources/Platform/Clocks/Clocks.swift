import Glibc

// The clocks of the process, and the only place that reads them. Waits may use Swift's `ContinuousClock` instead.

/// Measures spans and deadlines: nobody sets it, and it never runs backwards. Stands still while the machine sleeps.
public enum MonotonicClock {
  /// Since an arbitrary moment.
  public static var nanoseconds: Int64 { read(CLOCK_MONOTONIC) }
  public static var microseconds: Int64 { nanoseconds / 1_000 }
  public static var milliseconds: Int64 { nanoseconds / 1_000_000 }
}

/// As `MonotonicClock`, but also counts while the process is stopped or the machine sleeps, as leases need.
public enum BootClock {
  /// Since the machine's start.
  public static var microseconds: Int64 { read(CLOCK_BOOTTIME) / 1_000 }
  public static var milliseconds: Int64 { read(CLOCK_BOOTTIME) / 1_000_000 }
}

/// The time of day, which somebody may set, also backwards.
public enum WallClock {
  /// Since 1970-01-01 UTC.
  public static var microseconds: Int64 { read(CLOCK_REALTIME) / 1_000 }
  public static var milliseconds: Int64 { read(CLOCK_REALTIME) / 1_000_000 }
}

/// Nanoseconds; 64 bits hold 292 years of them.
private func read(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}
