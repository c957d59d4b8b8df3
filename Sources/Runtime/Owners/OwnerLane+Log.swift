import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

// What the log says: the offsets of appends, and what was written before.

extension OwnerLane {
  func takeFromLog() {
    var toRead: [PartitionID: Int64] = [:]
    for confirmation in shared.log.takeConfirmations(of: index) {
      guard let place = place(of: confirmation.partition), seats[place].owner.epoch == confirmation.epoch else {
        continue
      }
      guard let number = confirmation.number else {
        if owned(at: confirmation.offset, place) { toRead[confirmation.partition] = seats[place].readFrom }
        continue
      }
      seats[place].inputsUnderWay = 0
      give(.confirmed(number, at: confirmation.offset), to: place)
    }
    if !toRead.isEmpty { read(toRead) }
    // What one partition cannot apply yet holds up the others' replays: they usually need the same store.
    guard !seats.contains(where: { $0.isReplayFull && !$0.isGone }) else { return }
    for event in shared.log.takeRead(of: index, eventsMax: shared.options.takeRecordsMax) { take(event) }
  }

  /// The log reports the offset of `Owned`. Returns whether to read now: everything before it is readable, and it ends
  /// the replay.
  private func owned(at offset: Int64?, _ place: Int) -> Bool {
    guard seats[place].reading == .nothing, seats[place].ownedOffset == nil, !seats[place].isGone else { return false }
    guard let offset else {
      // It may or may not be in the log, so it is appended again. Whichever comes first counts.
      seats[place].readAgainAt = lane.now + UInt64(shared.options.tickMilliseconds)
      return false
    }
    seats[place].ownedOffset = offset
    seats[place].reading = .replay
    // Not earlier: the predecessor continues until it hears of this.
    if pods != nil { announceState(at: place) }
    return true
  }

  /// Reads the log back, because an append did not land where it had to.
  func readBack(from offset: Int64, at place: Int) {
    seats[place].readFrom = offset
    seats[place].reading = .back
    // Not immediately again: the log's end has just been read.
    if let endedAt = seats[place].readEndedAt, lane.now - endedAt < UInt64(shared.options.tickMilliseconds) {
      seats[place].readAgainAt = endedAt + UInt64(shared.options.tickMilliseconds)
    } else {
      read([seats[place].id: offset])
    }
  }

  /// Called with each tick: what a partition wants to read, or append, again.
  func readAgain(at place: Int) {
    guard let due = seats[place].readAgainAt, due <= lane.now else { return }
    seats[place].readAgainAt = nil
    if seats[place].ownedOffset == nil { return announce(at: place) }
    read([seats[place].id: seats[place].readFrom])
  }

  private func read(_ partitions: [PartitionID: Int64]) {
    do throws(LogFailure) {
      try shared.log.read(partitions, by: index)
    } catch {
      for partition in partitions.keys.sorted() {
        guard let place = place(of: partition) else { continue }
        cannotBeRead(place, error.message)
      }
    }
  }

  private func cannotBeRead(_ place: Int, _ reason: String) {
    guard pods != nil else { return stop(at: place, reason: reason) }
    shared.partitionLost(seats[place].id, reason)
    gone(at: place, .broken(reason: reason))
  }

  private func take(_ event: ReadEvent) {
    guard let place = place(of: event.partition), !seats[place].isGone else { return }
    switch (event, seats[place].reading) {
    case (.record(let record, let offset, _), .replay): seats[place].entrance.deliver(record, offset)
    case (.record(let record, let offset, _), .back): return give(.readBack(record, at: offset), to: place)
    case (.undecodable(let reason, let offset, _), .replay): seats[place].entrance.deliverUndecodable(reason, offset)
    case (.undecodable(let reason, let offset, _), .back):
      return give(.readBackUndecodable(reason, at: offset), to: place)
    case (.ended(_, let end), .replay): return replayEnded(at: end, place)
    case (.ended(_, let end), .back):
      seats[place].reading = .nothing
      seats[place].readEndedAt = lane.now
      return give(.readBackEnded(at: end), to: place)
    case (.broken(_, let reason), _): return cannotBeRead(place, reason)
    case (_, .nothing): return
    }
    markToStep(place)
  }

  /// The log was read to an end. After an election a broker may for a while show less of it than was acknowledged.
  private func replayEnded(at end: Int64, _ place: Int) {
    seats[place].reading = .nothing
    guard let owned = seats[place].ownedOffset, end <= owned else { return }
    seats[place].reading = .replay
    seats[place].readFrom = end
    seats[place].readAgainAt = lane.now + UInt64(shared.options.tickMilliseconds)
  }

  /// A failed log still allows reads of what is durable; others would wait forever.
  func refuseUnanswered(of place: Int) {
    for request in seats[place].entrance.takeUnanswered() { route(request, .refused(.logFailed)) }
  }

  /// Checks whether the log has failed, and notifies those who wait.
  func lookAtLog() {
    guard isLogFailed, !isLogFailureTold else { return }
    isLogFailureTold = true
    // All lanes share the log: one reports it.
    if index == 0, let failure = shared.log.failure { shared.logFailed(failure) }
    client?.logFailed()
  }
}
