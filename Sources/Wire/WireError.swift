/// Why bytes are not what this program, or another version of it, writes.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A sentence without a full stop that names the part and what is wrong with it.
  public let reason: String

  public init(_ reason: String) { self.reason = reason }

  public var description: String { reason }

  /// The part was not there.
  static func missing(_ part: StaticString) -> WireError { WireError("\(part) is missing") }

  /// The part was there and is not valid.
  static func invalid(_ part: StaticString, _ problem: StaticString) -> WireError {
    WireError("\(part) \(problem)")
  }
}
