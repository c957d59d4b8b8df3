import Glibc

/// A thread of an adapter's own, for calls that block. `join` it before it is released.
public final class BackgroundThread: Sendable {
  private let thread: pthread_t

  private final class Body {
    let name: String
    let run: () -> Void
    init(_ name: String, _ run: @escaping () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// Starts the thread. `name` has at most 15 characters. nil when the system gives no thread.
  public init?(_ name: String, _ body: sending @escaping () -> Void) {
    let context = Unmanaged.passRetained(Body(name, body))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        BackgroundThread.nameCurrentThread(body.name)
        body.run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      return nil
    }
    self.thread = thread
  }

  /// The name that `top` and debuggers show.
  private static func nameCurrentThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = TextFile.write(name, to: file)
    close(file)
  }

  /// Waits until the thread has ended; once.
  public func join() { pthread_join(thread, nil) }
}

/// Wakes one waiting thread. A signal given before the wait is not lost; several count as one.
public final class Signal: @unchecked Sendable {
  // Safe: `isSet` is touched under `mutex` alone; both C objects stand at a fixed address for the signal's life.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isSet = false

  public init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
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
}
