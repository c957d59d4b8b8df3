/// Why a server cannot listen.
public struct HTTPServerFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: Hashable, Sendable {
    /// The host is not an address of this machine, or its name is unknown.
    case unknownHost
    case addressInUse
    /// Ports below 1024 need permission.
    case noPermission
    /// The certificate or its key cannot be used.
    case badCertificate
    /// Limits that contradict each other.
    case badLimits
    /// Anything else: out of descriptors or memory.
    case system
  }

  public let code: Code
  /// Names the thing, and what the system or a library said about it.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
