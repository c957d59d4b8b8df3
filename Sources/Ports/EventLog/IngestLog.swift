import Model
import PartitionCore
import Streams

/// The logs that other systems write commands to: one for each partition, read by the partition's owner, from the place
/// that the partition's own state names.
///
/// Every call may come from any lane, and never waits. A call that names a tenure which does not follow its partition
/// is ignored.
package protocol IngestLog: AnyObject, Sendable {
  /// Sets who gets what is read; once, before anything else.
  ///
  /// - Parameter deliver: called on any thread, must not block. Returns false if there is no room: then the same event
  ///   comes again.
  func attach(_ deliver: @escaping @Sendable (IngestEvent) -> Bool)

  /// Reads a partition's log for its owner, from the input after `number` on. Ends the reading for any other owner.
  func follow(_ partition: PartitionID, by owner: OwnerID, after number: UInt64)

  /// Stops reading it.
  func leave(_ partition: PartitionID, by owner: OwnerID)

  /// Everything of the log up to `number` is durable in the partition: there is room for more.
  func durable(_ partition: PartitionID, by owner: OwnerID, through number: UInt64)

  /// Hands over refusals of commands of the log, for whoever looks after refused ones. `IngestEvent.reported` says when
  /// they are kept there.
  func refuse(_ refusals: [CommandReply], of partition: PartitionID, by owner: OwnerID)
}

/// What an ingest log has for the owner of a partition.
package enum IngestEvent: Sendable {
  /// What comes next in it, ascending.
  case inputs([LoggedInput], PartitionID, OwnerID)
  /// Refusals that are kept where refused commands go.
  case reported([RequestID], PartitionID, OwnerID)

  package var partition: PartitionID {
    switch self {
    case .inputs(_, let partition, _), .reported(_, let partition, _): partition
    }
  }
}
