/// Settings that do not fit together, name an unreadable file, or lead to nothing usable.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
