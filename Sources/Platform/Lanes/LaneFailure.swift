import CUV

/// Why a lane, or something on it, cannot be made.
public struct LaneFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: Hashable, Sendable {
    /// The loop could not be made: out of descriptors or memory.
    case loop
    /// No thread can be created.
    case thread
    /// The descriptor cannot be watched: it is closed, a regular file, or already watched.
    case watch
  }

  public let code: Code
  /// What the system said.
  public let message: String

  init(_ code: Code, _ status: Int32) {
    self.code = code
    message = String(cString: uv_strerror(status))
  }

  public var description: String { "lane: \(code): \(message)" }
}
