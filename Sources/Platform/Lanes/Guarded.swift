import CUV
import Glibc

/// A value behind a system mutex. Like `Synchronization.Mutex`, but known to ThreadSanitizer, which mistakes that
/// one's uses for races.
///
/// `@unchecked Sendable` is safe: `value` is touched only under `mutex`, which is at a fixed address.
public final class Guarded<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var value: Value

  public init(_ value: sending Value) {
    self.value = value
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// Runs a short piece of work on the value, one thread at a time; it must not call back here.
  public func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
