/// What pods tell each other about their clients' requests.
public enum PeerMessage: Hashable, Sendable {
  /// To the pod that took the command: what became of it.
  case outcome(RequestID, Outcome, isReplayed: Bool)
  /// To the pod that asked: the answer to its read.
  case view(RequestID, View)
  /// To the owner of the query's partition: a read.
  case ask(RequestID, Query)
  /// To the pod that asked: the receiver does not own the partition. The highest epoch that it knows an owner of, 0 if
  /// none.
  case notMine(RequestID, epoch: UInt64)
  /// To the pod that asked: it cannot be served.
  case refused(RequestID, PeerRefusal)
}

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
