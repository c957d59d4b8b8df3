import Dispatch
import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

// Checkpoints, loads and gates: asked for on the lane, done on the store's threads, completed by mail. No lane waits
// for a disk.

extension OwnerLane {
  /// Called from turns every `tickMilliseconds`, and by a timer every `idleTickMilliseconds`.
  func tick() {
    let now = lane.now
    nextTickAt = now + UInt64(shared.options.tickMilliseconds)
    if !isLogFailed { isLogFailed = shared.log.failure != nil }
    tendStreams()
    tendOrders(at: now)
    for place in seats.indices where !seats[place].isGone {
      if pods != nil { tendTenure(at: place) }
      if let due = seats[place].retryLoadAt, due <= now {
        seats[place].retryLoadAt = nil
        change(at: place) { $0.loadFailed(&$1) }
      }
      if seats[place].behindSince != nil, seats[place].checkpointClock.isDue(now) { takeCheckpoint(at: place) }
      if seats[place].isCheckpointTaken { writeCheckpoint(at: place) }
      if isToRelieve(place) { change(at: place) { $0.standing(&$1) } }
      if seats[place].awaitsGreetings { sendMessages(of: place) }
      // What held it up may be over.
      if seats[place].isIngesting, seats[place].entrance.hasIngested() { markToStep(place) }
    }
  }

  /// Whether what other partitions hold affects this one: it may forget what it need not hold, or take commands
  /// again.
  private func isToRelieve(_ place: Int) -> Bool {
    if shared.memory.share != nil {
      markToStep(place)
      return false
    }
    return seats[place].gate.state == .full && seats[place].loadFailure == nil && !shared.memory.isDirtyBoundReached
  }

  /// Updates a partition's gate and checkpoint clock.
  func note(_ standing: TenancyStanding, at place: Int) {
    if standing.contains(.isBehind), seats[place].behindSince == nil { seats[place].behindSince = lane.now }
    if standing.contains(.hasEnded) { return ended(at: place) }
    if standing.contains(.isCheckpointDue) { takeCheckpoint(at: place) }
    if seats[place].isReplayFull, !standing.contains(.isReplayFull) { lane.wake() }
    seats[place].isReplayFull = standing.contains(.isReplayFull)
    seats[place].isWaiting = standing.contains(.isAdmitting) && !standing.contains(.isServing)
    if standing.contains(.isAdmitting) {
      // A read that cannot be loaded holds up nobody else.
      let cannotLoad = seats[place].loadFailure != nil && standing.contains(.awaitsLoad)
      let isFull = standing.contains(.isDirtyBoundReached) || cannotLoad
      open(isFull ? .full : .open, at: place)
    }
    if standing.contains(.isDirtyBoundReached) { takeCheckpoint(at: place) }
    if standing.contains(.isServing) { followIngest(at: place) }
  }

  /// Sets a partition's gate, which ends its replay if it was still closed.
  private func open(_ state: PartitionGate.State, at place: Int) {
    let before = seats[place].gate.state
    guard before != state else { return }
    seats[place].gate.state = state
    shared.unserved.note(seats[place].id, isServed: true)
    if pods != nil { announceState(at: place) }
    guard before == .replaying else { return }
    for other in 0..<shared.options.laneCount { post(.owner(seats[place].owner, seats[place].id), toLane: other) }
    if pods != nil { announceToPods(at: place) }
    // After the gate: anyone who hears that the replay is over finds it open.
    shared.replayed(seats[place].id)
  }

  private func ended(at place: Int) {
    guard !seats[place].isGone, let ending = seats[place].entrance.ending() else { return }
    switch ending {
    // In a cluster an operator sets records aside by their numbers.
    case .stopped(let number, let reason): stop(at: place, reason: pods == nil ? reason : "record \(number): \(reason)")
    case .left:
      seats[place].hasLeft = true
      if pods != nil { letGo(place) }
      leave(place)
    case .superseded(let owner) where pods != nil: gone(at: place, .superseded(by: owner.epoch))
    case .lost(.fenced, let epoch) where pods != nil: gone(at: place, .superseded(by: epoch))
    case .lost(let loss, let epoch) where pods != nil:
      shared.partitionLost(seats[place].id, loss.rawValue)
      gone(at: place, .lost(above: epoch, reason: loss.rawValue))
    case .superseded(let owner):
      // Nobody else uses the folder: the store was set back, and has issued an epoch again.
      acquireAnew(place, above: owner.epoch, "the log knows an owner of epoch \(owner.epoch), and the store does not")
    case .lost(let loss, let epoch): acquireAnew(place, above: epoch, loss.rawValue)
    }
  }

  // MARK: Acquiring again

  /// What the owner has in memory can no longer be trusted, and the partition is still wanted here: it starts over
  /// from what the store and the log hold.
  private func acquireAnew(_ place: Int, above epoch: UInt64, _ reason: String) {
    let (partition, store, mailbox) = (seats[place].id, shared.store, shared.storeMailboxes[index])
    if seats[place].gate.state != .replaying { shared.replaysAgain() }
    seats[place].gate.state = .replaying
    leave(place)
    shared.partitionLost(partition, reason)
    DispatchQueue.global().async {
      let result = Result { () throws(StoreFailure) in try store.acquire(partition, above: epoch) }
      _ = mailbox.post([.acquired(place: place, result)])
    }
  }

  func acquired(_ result: Result<Ownership, StoreFailure>, at place: Int) {
    switch result {
    case .success(let ownership):
      let clock = seats[place].checkpointClock
      own(seats[place].id, ownership)
      seats[place].checkpointClock = clock
    case .failure(let failure):
      shared.storeFailed(seats[place].id, failure)
      stop(at: place, reason: failure.message)
    }
  }

  /// Ends a partition's work here: an operator has to intervene.
  func stop(at place: Int, reason: String) {
    let offset = seats[place].entrance.state().durableOffset + 1
    let isReplaying = seats[place].gate.state == .replaying
    seats[place].gate.state = .stopped
    shared.unserved.note(seats[place].id, isServed: false)
    leave(place)
    seats[place].stopReason = reason
    shared.partitionStopped(seats[place].id, offset: offset, reason: reason)
    if pods != nil { announceState(at: place) }
    if isReplaying { shared.replayed(seats[place].id) }
  }

  func leave(_ place: Int) {
    seats[place].isGone = true
    leaveIngest(at: place)
    let (partition, entrance) = (seats[place].id, seats[place].entrance)
    guard pods == nil else {
      // Senders of commands and reads turn to the next owner.
      for request in entrance.takeUnanswered() { forward(request) }
      return
    }
    let abandoned = entrance.takeAbandoned()
    for request in abandoned.unknown { route(request, .refused(.outcomeUnknown)) }
    for request in abandoned.untaken { route(request, .refused(.partitionStopped(partition))) }
    for request in entrance.takeUnanswered() { route(request, .refused(.partitionStopped(partition))) }
  }

  // MARK: Checkpoints

  /// Takes a checkpoint of a partition now, if possible, and writes it as soon as the log allows.
  func takeCheckpoint(at place: Int) {
    guard !seats[place].isGone || seats[place].hasLeft, !seats[place].isCheckpointTaken, !seats[place].isWriting,
      seats[place].backoffUntil <= lane.now, seats[place].entrance.takeCheckpoint()
    else { return }
    seats[place].isCheckpointTaken = true
    seats[place].checkpointTakenAt = lane.now
    writeCheckpoint(at: place)
  }

  func writeCheckpoint(at place: Int) {
    guard let batch = seats[place].entrance.checkpointToWrite() else { return }
    seats[place].isCheckpointTaken = false
    seats[place].isWriting = true
    let mailbox = shared.storeMailboxes[index]
    let offset = batch.header.offset
    let epoch = seats[place].owner.epoch
    shared.store.write(batch, epoch: epoch) { result in
      _ = mailbox.post([.checkpointed(place: place, epoch: epoch, through: offset, result)])
    }
  }

  func checkpointed(_ result: Result<Void, StoreFailure>, through offset: Int64, at place: Int) {
    seats[place].isWriting = false
    let entrance = seats[place].entrance
    switch result {
    case .success:
      entrance.checkpointEnded(true)
      // It lacks what was applied since it was taken.
      seats[place].behindSince = entrance.isBehind() ? seats[place].checkpointTakenAt : nil
      seats[place].checkpointedOffset = offset
      shared.log.trim(seats[place].id, through: offset)
      shared.takeovers?.settled(seats[place].id)
    case .failure(let failure):
      entrance.checkpointEnded(false)
      noteRefusal(failure, at: place)
      seats[place].backoffUntil = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
      shared.storeFailed(seats[place].id, failure)
    }
    seats[place].checkpointClock.ended(lane.now)
    if seats[place].gate.state == .full { change(at: place) { $0.standing(&$1) } }
  }

  // MARK: Loads

  func load(_ keys: [EntityKey], at place: Int) {
    let mailbox = shared.storeMailboxes[index]
    let epoch = seats[place].owner.epoch
    shared.store.load(keys, of: seats[place].id, epoch: epoch) { result in
      _ = mailbox.post([.loaded(place: place, epoch: epoch, result)])
    }
  }

  func loaded(_ result: Result<[EntityChange], StoreFailure>, at place: Int) {
    switch result {
    case .success(let rows):
      seats[place].loadFailure = nil
      let now = now
      change(at: place) { $0.loaded(rows, now, &$1) }
    case .failure(let failure):
      noteRefusal(failure, at: place)
      guard !seats[place].isGone else { return }
      seats[place].retryLoadAt = lane.now + UInt64(shared.options.checkpointIntervalMilliseconds)
      // Its successor answers what waits; nobody is refused because of this.
      if pods != nil, failure.code == .fenced { return }
      // Whatever is wrong with the store, the partition asks again; readiness shows it in the meantime.
      seats[place].loadFailure = failure.message
      change(at: place) { $0.standing(&$1) }
      shared.storeFailed(seats[place].id, failure)
    }
  }
}
