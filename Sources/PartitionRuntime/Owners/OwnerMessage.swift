import Model
import PartitionCore
import StateStore
import Streams
import Tenancy

/// What lanes and the threads of stores tell a lane of owners.
enum OwnerMessage: Sendable {
  /// A client's command for a partition of this lane.
  ///
  /// - Parameter deadline: when its client gives up, by the lanes' clock in milliseconds.
  case command(ClientCommand, PartitionID, deadline: Int64)
  /// A read of a key whose partition this lane owns.
  case read(Query, RequestID)
  /// What became of a request that waits on this lane.
  case finished(number: UInt64, RequestResult)

  // Streams between partitions.
  case frame(StreamFrame<Message>)
  case acknowledgement(StreamAcknowledgement)
  case greeting(StreamGreeting)
  case gap(StreamGap)
  /// A partition has messages for another one, and asks where its stream stands there.
  case askGreeting(from: PartitionID, PartitionID)
  /// A partition has replayed its log under this owner: it takes streams.
  case owner(OwnerID, PartitionID)

  // What the store says about a partition of this lane, under the epoch that it was asked with.
  case loaded(place: Int, epoch: UInt64, Result<[EntityChange], StoreFailure>)
  case checkpointed(place: Int, epoch: UInt64, through: Int64, Result<Void, StoreFailure>)
  /// A partition of this lane that its owner had lost was acquired anew.
  case acquired(place: Int, Result<Ownership, StoreFailure>)
}
