import Synchronization

/// A value that one thread waits for and another provides.
public final class Promise<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let signal = Signal()

  public init() {}

  /// Provides the value. Call once.
  public func fulfil(_ value: Value) {
    self.value.withLock { $0 = value }
    signal.set()
  }

  /// Blocks the calling thread until the value has arrived. Call once.
  public func wait() -> Value {
    while true {
      signal.wait()
      if let value = value.withLock({ $0 }) { return value }
    }
  }
}
