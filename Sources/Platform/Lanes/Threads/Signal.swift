import CUV
import Glibc

/// Wakes one waiting thread. A signal given before the wait is not lost; several count as one.
public final class Signal: @unchecked Sendable {
  // Safe: `isSet` is only accessed under `mutex`; both C objects have a fixed address for the signal's lifetime.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isSet = false

  public init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Setting the clock must not affect waits with a limit.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Wakes the waiter, or lets its next wait pass.
  public func set() {
    pthread_mutex_lock(mutex)
    isSet = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Waits for a signal and takes it.
  public func wait() {
    pthread_mutex_lock(mutex)
    while !isSet { pthread_cond_wait(condition, mutex) }
    isSet = false
    pthread_mutex_unlock(mutex)
  }

  /// Waits for a signal and takes it, but not longer than `milliseconds`. Returns whether there was one.
  public func wait(milliseconds: Int) -> Bool {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let milliseconds = min(max(milliseconds, 0), Self.waitMillisecondsMax)
    deadline.tv_sec += milliseconds / 1_000
    deadline.tv_nsec += milliseconds % 1_000 * 1_000_000
    if deadline.tv_nsec >= 1_000_000_000 {
      deadline.tv_sec += 1
      deadline.tv_nsec -= 1_000_000_000
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isSet {
      if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
    }
    defer { isSet = false }
    return isSet
  }

  /// A longer wait with a limit is cut to a day.
  public static let waitMillisecondsMax = 24 * 60 * 60 * 1_000
}
