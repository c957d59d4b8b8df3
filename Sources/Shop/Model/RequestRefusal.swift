/// Why a request cannot be served now.
public enum RequestRefusal: Error, Hashable, Sendable {
  /// A queue or table is at its bound; try again.
  case overloaded
  /// The process is shutting down.
  case stopping
  /// Replay is not finished yet.
  case starting
  /// The partition met a record that it cannot apply.
  case partitionStopped(PartitionID)
  /// A partition that would have to decide it does not serve, or cannot reach its log; nothing was begun.
  case undecidable
  /// The log can no longer be written; reads of what is durable continue.
  case logFailed
  /// The command was appended, but it is unknown whether it is durable.
  case outcomeUnknown
}
