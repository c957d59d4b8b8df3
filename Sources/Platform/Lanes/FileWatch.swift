import CUV

/// What happened to a descriptor.
public struct FileEvents: OptionSet, Hashable, Sendable {
  public let rawValue: Int32
  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let readable = FileEvents(rawValue: Int32(UV_READABLE.rawValue))
  public static let writable = FileEvents(rawValue: Int32(UV_WRITABLE.rawValue))
  public static let disconnected = FileEvents(rawValue: Int32(UV_DISCONNECT.rawValue))
  /// The descriptor can no longer be watched, for example because it was closed; only reported, never asked for.
  public static let failed = FileEvents(rawValue: 1 << 16)
}

/// Notifies a lane that a descriptor is ready (level-triggered). Lane-confined; watches until `close`, held or not.
public final class FileWatch {
  private let lane: Lane
  private let handle: LoopHandle<uv_poll_t>
  private let handler: (FileEvents) -> Void

  init(
    _ lane: Lane, descriptor: Int32, events: FileEvents, handler: @escaping (FileEvents) -> Void
  ) throws(LaneFailure) {
    self.lane = lane
    self.handler = handler
    handle = try LoopHandle(.watch) { uv_poll_init(lane.loop, $0, descriptor) }
    try change(to: events)
  }

  /// Watches for other events from now on.
  public func change(to events: FileEvents) throws(LaneFailure) {
    guard handle.isOpen else { return }
    lane.assertOnLane()
    // The lane outlives its handles; the loop's callbacks run on it.
    handle.fire = { [unowned lane, handler] status, events in
      lane.awaken()
      handler(status < 0 ? .failed : FileEvents(rawValue: events))
    }
    let status = uv_poll_start(handle.pointer, events.rawValue) { pointer, status, events in
      // Held for the call: the handler may close the watch and with it let go of the closure that runs.
      let fire = LoopHandle<uv_poll_t>.of(pointer)?.fire
      fire?(status, events)
    }
    guard status == 0 else {
      handle.close()
      throw LaneFailure(.watch, status)
    }
  }

  /// Ends the watch; close it before the descriptor. The handler is not called again.
  public func close() {
    guard handle.isOpen else { return }
    lane.assertOnLane()
    handle.close()
  }
}
