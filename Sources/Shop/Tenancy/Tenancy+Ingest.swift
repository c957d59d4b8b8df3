import Model
import PartitionCore
import Streams

// What other systems wrote to the partition's ingest log. It can wait there, so it is never refused for want of room:
// whatever would refuse a client's command holds these back, and long before it comes to that.

extension Tenancy {
  /// The number of the newest input from the ingest log that was applied; 0 before the first. Reading continues after
  /// it.
  public var ingestedNumber: UInt64 { received.highest(of: .ingest, at: state.now) ?? 0 }

  /// Takes what the ingest log holds next, for a tenure. What came before is dropped: an owner that reads its log again
  /// from an earlier place does no harm.
  public mutating func receive(_ inputs: [LoggedInput], for owner: OwnerID) {
    guard owner == self.owner, isAdmitting, phase != .replaying else { return }
    var highest = max(ingestedNumber, queuedThrough[.ingest])
    for input in inputs {
      guard let origin = input.origin, origin.source == .ingest, origin.number > highest else { continue }
      highest = origin.number
      ingested.append(input)
    }
    queuedThrough[.ingest] = highest
  }

  /// Drops what is queued: the owner is to leave, and its successor reads it again.
  public mutating func dropIngested() {
    ingested = FIFO()
    queuedThrough[.ingest] = 0
  }

  public var hasIngested: Bool { !ingested.isEmpty }

  /// Whether a turn would take some of it.
  var canIngest: Bool {
    !ingested.isEmpty && !isIngestHeld && refusals.count < limits.unreportedRefusalsMax && hasRoomForWhatCanWait
  }

  /// Whether there is room for inputs that no client waits for: clients have to find at least half of every bound free.
  var hasRoomForWhatCanWait: Bool {
    state.dirtyCount < max(1, limits.core.dirtyMax / 2)
      && outbox.unacknowledgedCount < max(1, limits.unacknowledgedMessagesMax / 2)
  }

  /// Applies what is queued, after everything else of the turn, up to its own share of it.
  ///
  /// - Parameter bytes: what the turn's other inputs take; grows by what these take.
  mutating func drainIngested(
    _ time: Timestamp, _ entries: inout [LoggedInput], _ effects: inout TurnEffects, _ bytes: inout Int
  ) {
    var taken = 0
    while taken < limits.turnIngestMax, ending == nil, !loads.isBlocking, canIngest,
      let entry = residentIngested(at: time)
    {
      let size = entry.byteEstimate
      guard bytes == 0 || bytes + size <= limits.turnBytesMax else { return }
      state.advance(to: time)
      do throws(Poison) {
        try perform(entry, in: number + 1, into: &effects)
      } catch {
        return lose(.poison)
      }
      ingested.removeFirst()
      entries.append(entry)
      taken += 1
      bytes += size
    }
  }

  /// The next one, if its keys are resident, as the log will have it; nil if there is none, or keys must be loaded.
  mutating func residentIngested(at time: Timestamp) -> LoggedInput? {
    while let entry = ingested.first {
      if let origin = entry.origin, received.admission(of: origin.number, from: .ingest, at: time) == .next {
        guard isResident(entry.body) else { return nil }
        return isUndecidable(entry.body) ? entry.skipped(.undecidable) : entry
      }
      ingested.removeFirst()
    }
    return nil
  }

  // MARK: Refusals

  /// Whether it must be reported: a pod learns of everything, the topic of refused commands of refusals only.
  func isKept(_ reply: CommandReply) -> Bool { !reply.request.isIngested || reply.isRefusal }

  /// Keeps a reply until it is known to be received.
  mutating func keep(_ reply: CommandReply) {
    guard isKept(reply) else { return }
    if reply.request.isIngested {
      // None is ever forgotten: nothing is taken from the ingest log while many are kept.
      refusals.add(reply, max: .max)
    } else {
      replies.add(reply, max: limits.unreceivedRepliesMax)
    }
  }
}
