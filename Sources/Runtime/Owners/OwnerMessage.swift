import Model
import PartitionCore
import Ports
import Streams
import Tenancy

/// What lanes and store threads say to a lane of owners.
enum OwnerMessage: Sendable {
  /// Something for a partition of this lane.
  case input(TenancyInput, PartitionID)
  /// What an ingest log has for a partition of this lane.
  case ingest(IngestEvent)
  /// What became of a request that waits on this lane.
  case finished(number: UInt64, RequestResult)
  /// What one of the pod's lanes sends to another, as a message between pods.
  case pod(MeshMessage)
  /// A partition has replayed its log under this owner: it takes streams.
  case owner(OwnerID, PartitionID)

  // What the store says about a partition of this lane, with the epoch it was asked under.
  case loaded(place: Int, epoch: UInt64, Result<[EntityChange], StoreFailure>)
  case ordersRead(place: Int, epoch: UInt64, Result<[StoredOrder], StoreFailure>)
  case checkpointed(place: Int, epoch: UInt64, through: Int64, Result<Void, StoreFailure>)
  /// A partition of this lane that its owner had lost was acquired again.
  case acquired(place: Int, Result<Ownership, StoreFailure>)
}
