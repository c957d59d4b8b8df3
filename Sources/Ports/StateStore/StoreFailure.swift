/// What went wrong with a store.
public struct StoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// Somebody else has since acquired the partition.
    case fenced
    /// The store holds less than it acknowledged to this owner: it was restored, or failed over to a lagging replica.
    /// The owner must acquire the partition again, from what is really there.
    case setBack
    case write
    case read
    /// A row is not what this program writes.
    case format
    case closed
    /// The clocks of the store and of this process are too far apart.
    case clock
  }

  public let code: Code
  /// A sentence for the operator that names the file or server.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
