import EventLog
import Model
import PartitionCore
import Tenancy

// What the log says: where appends came to stand, and what was written before.

extension OwnerLane {
  func takeFromLog() {
    var toRead: [PartitionID: Int64] = [:]
    for confirmation in shared.log.takeConfirmations(of: index) {
      guard let place = place(of: confirmation.partition) else { continue }
      guard let number = confirmation.number else {
        // The own `Owned` is durable: everything before it can be read now, and it ends the replay.
        toRead[confirmation.partition] = seats[place].readFrom
        continue
      }
      give(.confirmed(number, at: confirmation.offset), to: place)
    }
    if !toRead.isEmpty { read(toRead) }
    for event in shared.log.takeRead(of: index, eventsMax: shared.options.takeRecordsMax) { take(event) }
  }

  private func read(_ partitions: [PartitionID: Int64]) {
    do throws(LogFailure) {
      try shared.log.read(partitions, by: index)
    } catch {
      for partition in partitions.keys.sorted() {
        guard let place = place(of: partition) else { continue }
        stop(at: place, reason: error.message)
      }
    }
  }

  private func take(_ event: ReadEvent) {
    guard let place = place(of: event.partition), !seats[place].isGone else { return }
    switch event {
    case .record(let record, let offset, _): seats[place].entrance.deliver(record, offset)
    case .undecodable(let reason, let offset, _): seats[place].entrance.deliverUndecodable(reason, offset)
    case .broken(_, let reason): return stop(at: place, reason: reason)
    case .ended: return
    }
    markToStep(place)
  }

  /// A log that has failed lets reads of what is durable go on; others would wait for ever.
  func refuseUnanswered(of place: Int) {
    for request in seats[place].entrance.takeUnanswered() { route(request, .refused(.logFailed)) }
  }

  /// Looks whether the log has failed, and tells whoever waits.
  func lookAtLog() {
    guard isLogFailed, !isLogFailureTold else { return }
    isLogFailureTold = true
    client?.logFailed()
  }
}
