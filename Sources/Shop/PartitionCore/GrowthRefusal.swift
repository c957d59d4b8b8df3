/// Why the number of partitions stays as it is: a sentence that names what is in the way, and the next step.
public struct GrowthRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  package init(_ description: String) { self.description = description }
}
