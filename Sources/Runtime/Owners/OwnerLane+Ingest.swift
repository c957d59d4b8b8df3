import Model
import Ports
import Tenancy

// What other systems write to the partitions' ingest logs: read while an owner serves, until it ends or is about to.

extension OwnerLane {
  /// Reads a partition's ingest log from now on.
  func followIngest(at place: Int) {
    guard let ingest = shared.ingest, !seats[place].isIngesting, drain == nil else { return }
    seats[place].isIngesting = true
    ingest.follow(seats[place].id, by: seats[place].owner, after: seats[place].entrance.ingestedNumber())
  }

  /// Stops reading it.
  func leaveIngest(at place: Int) {
    guard seats[place].isIngesting else { return }
    seats[place].isIngesting = false
    shared.ingest?.leave(seats[place].id, by: seats[place].owner)
  }

  /// Stops reading all of them, and drops what is queued: the process is about to end, and successors read it again.
  func leaveIngest() {
    for place in seats.indices where seats[place].isIngesting {
      leaveIngest(at: place)
      seats[place].entrance.dropIngested()
    }
  }

  func take(_ event: IngestEvent) {
    guard let place = place(of: event.partition), !seats[place].isGone else { return }
    switch event {
    case .inputs(let inputs, _, let owner):
      if seats[place].isIngesting { give(.ingest(inputs, to: owner), to: place) }
    case .reported(let requests, _, let owner):
      if seats[place].owner == owner { give(.repliesReceived(requests), to: place) }
    }
  }
}
