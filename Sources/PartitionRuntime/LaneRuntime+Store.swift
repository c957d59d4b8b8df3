import EventLog
import Lanes
import Model
import PartitionCore
import StateStore

// Checkpoints and loads: asked for on the lane, done on the store's threads, ended by mail. No lane waits for a disk.

extension LaneRuntime {
  /// Called by turns every `tickMilliseconds`, and by a timer every `idleTickMilliseconds`.
  func tick() {
    let now = lane.now
    nextTickAt = now + UInt64(shared.options.tickMilliseconds)
    // Requests of this lane may wait for what another lane could not append.
    if !isLogFailed, client?.waitingCount ?? 0 > 0 { isLogFailed = shared.log.failure != nil }
    for place in places.indices {
      if let due = places[place].retryLoadAt, due <= now {
        places[place].retryLoadAt = nil
        perform(places[place].actor.loadFailed(), at: place)
      }
      let isBehind = places[place].behindSince != nil
      if isBehind, places[place].checkpointDueAt <= now { takeCheckpoint(at: place) }
      if places[place].isCheckpointTaken { writeCheckpoint(at: place) }
    }
  }

  /// Takes a checkpoint of a partition now, if it can be taken, and writes it as soon as the log allows.
  func takeCheckpoint(at place: Int) {
    guard !places[place].isCheckpointTaken, !places[place].isWriting, places[place].backoffUntil <= lane.now
    else { return }
    places[place].isCheckpointTaken = places[place].actor.takeCheckpoint()
    if places[place].isCheckpointTaken { writeCheckpoint(at: place) }
  }

  private func writeCheckpoint(at place: Int) {
    guard let batch = places[place].actor.checkpointToWrite(shared.log.durable) else { return }
    places[place].isCheckpointTaken = false
    places[place].isWriting = true
    let mailbox = shared.storeMailboxes[Int(index)]
    let offset = batch.header.offset
    shared.store.write(batch, epoch: places[place].epoch) { result in
      _ = mailbox.post([.checkpointed(place: place, through: offset, result)])
    }
  }

  func checkpointed(_ result: Result<Void, StoreFailure>, through offset: Int64, at place: Int) {
    places[place].isWriting = false
    let actor = places[place].actor
    switch result {
    case .success:
      actor.checkpointEnded(true)
      shared.log.trim(places[place].id, through: offset)
    case .failure(let failure):
      actor.checkpointEnded(false)
      places[place].backoffUntil = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
      shared.storeFailed(places[place].id, failure)
    }
    let state = actor.state()
    places[place].behindSince = state.appliedOffset > state.checkpointedOffset ? lane.now : nil
    places[place].scheduleCheckpoint(after: lane.now, every: UInt64(shared.options.checkpointIntervalMilliseconds))
    if places[place].gate.state == .full, places[place].loadFailure == nil,
      state.dirtyCount < shared.options.core.dirtyMax
    {
      places[place].gate.state = .open
    }
  }

  func load(_ keys: [EntityKey], at place: Int) {
    let mailbox = shared.storeMailboxes[Int(index)]
    shared.store.load(keys, of: places[place].id, epoch: places[place].epoch) { result in
      _ = mailbox.post([.loaded(place: place, result)])
    }
  }

  func loaded(_ result: Result<[EntityChange], StoreFailure>, at place: Int) {
    switch result {
    case .success(let rows):
      places[place].loadFailure = nil
      perform(places[place].actor.loaded(rows), at: place)
    case .failure(let failure):
      // Whatever ails the store, the partition asks again; readiness shows it meanwhile.
      places[place].loadFailure = failure.message
      if places[place].gate.state == .open { places[place].gate.state = .full }
      shared.storeFailed(places[place].id, failure)
      places[place].retryLoadAt = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
    }
  }
}
