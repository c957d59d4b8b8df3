import CUV

/// A timer of a lane. Lane-confined; runs until `cancel`, or once, whether it is held or not.
public final class LaneTimer {
  private let lane: Lane
  private let handle: LoopHandle<uv_timer_t>

  /// - Parameter repeatMilliseconds: 0 for once.
  init(_ lane: Lane, afterMilliseconds: UInt64, repeatMilliseconds: UInt64, handler: @escaping () -> Void) {
    self.lane = lane
    handle = LoopHandle { uv_timer_init(lane.loop, $0) }
    handle.fire = { [unowned lane, unowned handle] _, _ in
      lane.awakenByTimer()
      // The loop has no further use for a one-shot timer that has run.
      if repeatMilliseconds == 0 { handle.close() }
      handler()
    }
    // Fails only for a handle that is closing, or without a callback.
    _ = uv_timer_start(
      handle.pointer,
      { pointer in
        // Held for the call: the handler may close the timer and with it let go of the closure that runs.
        let fire = LoopHandle<uv_timer_t>.of(pointer)?.fire
        fire?(0, 0)
      }, afterMilliseconds, repeatMilliseconds)
  }

  /// Ends the timer; the handler is not called again.
  public func cancel() {
    guard handle.isOpen else { return }
    lane.assertOnLane()
    handle.close()
  }
}
