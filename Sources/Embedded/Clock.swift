import Dispatch
import Glibc
import Synchronization

/// The process's clocks.
enum Clock {
  /// Milliseconds since 1970-01-01 UTC.
  static func wallMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// Never runs backwards.
  static func monotonicMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}

/// Opens once; whoever waits for it goes on then.
final class Gate: Sendable {
  private let group = DispatchGroup()
  private let isOpen = Atomic<Bool>(false)

  init() { group.enter() }

  func open() {
    if !isOpen.exchange(true, ordering: .acquiringAndReleasing) { group.leave() }
  }

  /// Returns false when it takes longer.
  func wait(milliseconds: Int) -> Bool { group.wait(timeout: .now() + .milliseconds(milliseconds)) == .success }
}
