/// Why bytes are not what this program, or another version of it, writes.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence without a full stop that names the part and what is wrong with it.
  public let reason: String

  public init(_ reason: String) { self.reason = reason }

  public var description: String { reason }

  /// The part is missing.
  static func missing(_ part: StaticString) -> WireError { WireError("\(part) is missing") }

  /// The part is present but not valid.
  static func invalid(_ part: StaticString, _ problem: StaticString) -> WireError {
    WireError("\(part) \(problem)")
  }
}
