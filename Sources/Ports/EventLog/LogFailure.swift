/// What went wrong with a log.
public struct LogFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// A write or fsync failed, or the disk is full.
    case write
    case read
    /// The log begins after the requested record.
    case trimmed
    /// The files are not what this program writes.
    case format
    case closed
    /// The log's settings contradict each other, or the library refuses them.
    case settings
    /// Nobody answered in time.
    case unreachable
  }

  public let code: Code
  /// A sentence for the operator that names the file.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
