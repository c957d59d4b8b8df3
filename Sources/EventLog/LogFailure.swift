/// What went wrong with a log.
public struct LogFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// A write or fsync failed, or the disk is full.
    case write
    case read
    /// The log begins after the record that was asked for.
    case trimmed
    /// The files are not what this program writes.
    case format
    case closed
    /// What the log was told contradicts itself, or the library refuses it.
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
