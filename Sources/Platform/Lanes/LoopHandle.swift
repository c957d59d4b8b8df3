import CUV

/// One handle of a lane's loop. The loop holds it until it is closed, which takes until the loop's next turn.
/// Lane-confined.
///
/// `Handle` is libuv's struct. It stays at a fixed address until libuv says that it is closed.
final class LoopHandle<Handle> {
  let pointer: UnsafeMutablePointer<Handle>
  /// Called by the handle's trampoline, with libuv's status and events.
  var fire: ((_ status: Int32, _ events: Int32) -> Void)?

  /// - Parameter open: libuv's `uv_…_init`; returns its status.
  init(_ code: LaneFailure.Code, open: (UnsafeMutablePointer<Handle>) -> Int32) throws(LaneFailure) {
    pointer = Self.allocate()
    let status = open(pointer)
    guard status == 0 else { throw LaneFailure(code, status) }
    holdByLoop()
  }

  /// - Parameter open: a `uv_…_init` that never fails.
  init(open: (UnsafeMutablePointer<Handle>) -> Void) {
    pointer = Self.allocate()
    open(pointer)
    holdByLoop()
  }

  deinit { pointer.deallocate() }

  private static func allocate() -> UnsafeMutablePointer<Handle> {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Handle>.size, alignment: MemoryLayout<Handle>.alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<Handle>.size)
    return memory.assumingMemoryBound(to: Handle.self)
  }

  /// Balanced when the loop has closed the handle.
  private func holdByLoop() { base.pointee.data = Unmanaged<AnyObject>.passRetained(self).toOpaque() }

  private var base: UnsafeMutablePointer<uv_handle_t> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
  }

  var isOpen: Bool { uv_is_closing(base) == 0 }

  func close() {
    fire = nil
    LoopClosing.close(base)
  }

  /// The Swift object of a handle that libuv calls back with; nil without one.
  static func of(_ pointer: UnsafeMutablePointer<Handle>?) -> LoopHandle? {
    guard let pointer else { return nil }
    let base = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: uv_handle_t.self)
    guard let data = base.pointee.data else { return nil }
    return Unmanaged<AnyObject>.fromOpaque(data).takeUnretainedValue() as? LoopHandle
  }
}

/// Closes handles and gives up the loop's references to them.
enum LoopClosing {
  static func close(_ handle: UnsafeMutablePointer<uv_handle_t>) {
    guard uv_is_closing(handle) == 0 else { return }
    uv_close(handle) { handle in
      guard let data = handle?.pointee.data else { return }
      Unmanaged<AnyObject>.fromOpaque(data).release()
    }
  }

  /// Closes every open handle, runs the loop until that is done, and closes the loop.
  static func close(all loop: UnsafeMutablePointer<uv_loop_t>) {
    uv_walk(loop, { handle, _ in if let handle { LoopClosing.close(handle) } }, nil)
    while uv_run(loop, UV_RUN_DEFAULT) != 0 {}
    let status = uv_loop_close(loop)
    precondition(status == 0, "the loop still has handles")
  }
}
