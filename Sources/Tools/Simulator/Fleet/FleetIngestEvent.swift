import PartitionCore
import Streams

/// What the reader of an ingest log has for an owner, in transit.
struct FleetIngestEvent {
  let slot: Int
  let owner: OwnerID
  let inputs: [LoggedInput]
}
