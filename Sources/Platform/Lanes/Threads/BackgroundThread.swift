import Glibc

/// An adapter's own thread, for blocking calls. `join` it before it is released.
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

  /// Starts the thread. `name` has at most 15 characters. nil if the system cannot create a thread.
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
    var name = name
    _ = name.withUTF8 { write(file, $0.baseAddress, $0.count) }
    close(file)
  }

  /// Waits until the thread has ended. Call it once.
  public func join() { pthread_join(thread, nil) }
}
