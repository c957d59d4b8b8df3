import CUV
import Glibc

/// What ends a lane's sleep: an eventfd that its loop watches.
///
/// libuv's own `uv_async_t` is the same, plus a loop in which the woken thread spins until the waking one has
/// returned from its write; with as many threads as processors that took a tenth of a loaded lane's time.
/// `WakeFlag` makes the spin needless: it sends once per sleep, and nobody closes while another may send.
final class WakeSignal {
  private let descriptor: Int32
  private let handle: LoopHandle<uv_poll_t>

  init(_ loop: UnsafeMutablePointer<uv_loop_t>) throws(LaneFailure) {
    let descriptor = kassa_eventfd()
    guard descriptor >= 0 else { throw LaneFailure(.loop, -errno) }
    self.descriptor = descriptor
    do throws(LaneFailure) {
      handle = try LoopHandle(.loop) { uv_poll_init(loop, $0, descriptor) }
    } catch {
      close(descriptor)
      throw error
    }
    handle.fire = { _, _ in
      var count: UInt64 = 0
      _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
    // Fails only for a handle that is closing.
    _ = uv_poll_start(handle.pointer, Int32(UV_READABLE.rawValue)) { pointer, status, events in
      LoopHandle<uv_poll_t>.of(pointer)?.fire?(status, events)
    }
  }

  /// The loop must be closed by then.
  deinit { close(descriptor) }

  /// Makes the loop return from its sleep, or skip its next one.
  func send() {
    var one: UInt64 = 1
    // Fails only if the counter is at its maximum, and then the loop wakes anyway.
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }
}
