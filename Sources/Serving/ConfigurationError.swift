/// Settings that do not fit together, name a file that cannot be read, or lead to nothing that could be used.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
