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
    for place in places.indices where !places[place].isGone {
      if let due = places[place].retryLoadAt, due <= now {
        places[place].retryLoadAt = nil
        perform(places[place].actor.loadFailed(), at: place)
      }
      let isBehind = places[place].behindSince != nil
      if isBehind, places[place].checkpointClock.isDue(now) { takeCheckpoint(at: place) }
      if places[place].isCheckpointTaken { writeCheckpoint(at: place) }
      if places[place].awaitsTime || isToRelieve(place) { perform(places[place].actor.standing(), at: place) }
    }
    lookForLimits(now)
    if cluster != nil { clusterTick(now) }
  }

  /// Whether what other partitions hold matters to this one: it may forget what it need not hold, or take commands
  /// again.
  private func isToRelieve(_ place: Int) -> Bool {
    if shared.memory.share != nil { return true }
    return places[place].gate.state == .full && places[place].loadFailure == nil && !shared.memory.isDirtyBoundReached
  }

  /// Takes a checkpoint of a partition now, if it can be taken, and writes it as soon as the log allows.
  func takeCheckpoint(at place: Int) {
    guard !places[place].isGone, !places[place].isCheckpointTaken, !places[place].isWriting,
      places[place].backoffUntil <= lane.now
    else { return }
    guard places[place].actor.takeCheckpoint() else { return }
    places[place].isCheckpointTaken = true
    places[place].checkpointTakenAt = lane.now
    writeCheckpoint(at: place)
  }

  private func writeCheckpoint(at place: Int) {
    if cluster != nil, !repliesHaveArrived(at: place) { return }
    guard let batch = places[place].actor.checkpointToWrite(shared.log.durable) else { return }
    places[place].isCheckpointTaken = false
    places[place].repliesBefore = nil
    places[place].unsentBefore = nil
    places[place].isWriting = true
    let mailbox = shared.storeMailboxes[Int(index)]
    let offset = batch.header.offset
    let epoch = places[place].epoch
    shared.store.write(batch, epoch: epoch) { result in
      _ = mailbox.post([.checkpointed(place: place, epoch: epoch, through: offset, result)])
    }
  }

  func checkpointed(_ result: Result<Void, StoreFailure>, through offset: Int64, at place: Int) {
    places[place].isWriting = false
    if endsTenure(result, at: place) { return stepDown(at: place) }
    let actor = places[place].actor
    switch result {
    case .success:
      actor.checkpointEnded(true)
      let state = actor.state()
      // What was applied since it was taken is not in it.
      let takenAt = places[place].checkpointTakenAt
      places[place].behindSince = state.appliedOffset > state.checkpointedOffset ? takenAt : nil
      if !places[place].isSettled {
        places[place].isSettled = true
        shared.takeovers?.settled(places[place].id)
      }
      shared.log.trim(places[place].id, through: offset)
    case .failure(let failure):
      actor.checkpointEnded(false)
      places[place].backoffUntil = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
      shared.storeFailed(places[place].id, failure)
    }
    places[place].checkpointClock.ended(lane.now)
    if places[place].gate.state == .full { perform(actor.standing(), at: place) }
  }

  /// Whether the store says that another process has acquired the partition, or that it lost what this owner wrote:
  /// either way the partition has to be acquired anew. Only the second is for the operator.
  private func endsTenure<Value>(_ result: Result<Value, StoreFailure>, at place: Int) -> Bool {
    guard cluster != nil, case .failure(let failure) = result else { return false }
    if failure.code == .setBack { shared.storeFailed(places[place].id, failure) }
    return failure.code == .fenced || failure.code == .setBack
  }

  func load(_ keys: [EntityKey], at place: Int) {
    let mailbox = shared.storeMailboxes[Int(index)]
    let epoch = places[place].epoch
    shared.store.load(keys, of: places[place].id, epoch: epoch) { result in
      _ = mailbox.post([.loaded(place: place, epoch: epoch, result)])
    }
  }

  func loaded(_ result: Result<[EntityChange], StoreFailure>, at place: Int) {
    if endsTenure(result, at: place) { return stepDown(at: place) }
    switch result {
    case .success(let rows):
      places[place].loadFailure = nil
      perform(places[place].actor.loaded(rows), at: place)
    case .failure(let failure):
      // Whatever ails the store, the partition asks again; readiness shows it meanwhile.
      places[place].loadFailure = failure.message
      perform(places[place].actor.standing(), at: place)
      shared.storeFailed(places[place].id, failure)
      places[place].retryLoadAt = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
    }
  }

  // MARK: What waits for loads

  /// Keeps what was read of a partition and not applied within its bound. One that can apply it gets its time before
  /// the lane takes anything else; one that waits for a load, for as long as its database may be away, is not read
  /// meanwhile, and the others go on.
  func noteQueue(_ result: StepResult, at place: Int) {
    let isCrowded = result.flags.contains(.isCrowded)
    let canStep = result.flags.contains(.canStep)
    if isCrowded, canStep { crowded.insert(place) } else { crowded.remove(place) }
    // A stopped one is read on: somebody else may take it.
    let isStopped = result.flags.contains(.isStopped)
    if isCrowded, !canStep, !isStopped, !places[place].isPaused {
      places[place].isPaused = true
      shared.sharedLog?.pause(places[place].id)
    } else if places[place].isPaused, isStopped || result.flags.contains(.hasRoom) {
      places[place].isPaused = false
      shared.sharedLog?.resume(places[place].id)
    }
  }
}
