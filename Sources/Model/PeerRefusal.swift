/// Why another pod's request cannot be served now.
public enum PeerRefusal: Hashable, Sendable {
  /// A queue or table is at its bound.
  case overloaded
  case stopping
  case starting
  /// The log cannot be written any more.
  case logFailed
  /// The command was appended, and nobody knows whether it takes effect.
  case outcomeUnknown
  /// The partition met a record that it cannot apply.
  case partitionStopped(PartitionID)
}
