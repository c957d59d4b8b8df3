import Model

/// Something that an operator should know.
public enum RuntimeEvent: Sendable {
  case partitionStopped(PartitionID, offset: Int64, reason: String)
  /// A partition's log broke off; it is taken over again.
  case partitionBroke(PartitionID, offset: Int64, reason: String)
  case storeFailed(PartitionID, String)
  /// The log accepts no more records until a new process opens it.
  case logFailed(String)
  /// A lane's mailbox was full; this many answers were lost, and their requests time out.
  case mailRefused(Int)
  /// This many answers did not reach the pod that asked: it is gone, or does not read.
  case peerRefused(Int)
  /// A partition was acquired; how long the store and the log took.
  case tookOver(PartitionID, epoch: UInt64, storeMilliseconds: UInt64, logMilliseconds: UInt64)
  /// A partition could not be taken over; it is tried again.
  case takeoverFailed(PartitionID, String)
  /// A walk over a partition's orders has ended, and this many were removed because they were old.
  case ordersRemoved(PartitionID, UInt64)
}
