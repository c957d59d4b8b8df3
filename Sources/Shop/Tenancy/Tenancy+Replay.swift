import Model
import PartitionCore
import Streams

// Taking over: from the checkpoint through the log, up to its own `Owned`.

extension Tenancy {
  /// Takes the next record of the log: first the one after the checkpoint's, then one by one.
  public mutating func deliver(_ record: LogRecord, at offset: Int64) {
    guard case .replaying = phase else { return }
    replay.append(record, at: offset)
  }

  /// Takes bytes of the log that are not a record: the partition stops there, once everything before is applied.
  public mutating func deliverUndecodable(_ reason: String, at offset: Int64) {
    guard case .replaying = phase else { return }
    replay.appendUndecodable(reason, at: offset)
  }

  /// Whether no more of the log should be delivered before some of it is applied.
  var isReplayFull: Bool { phase == .replaying && replay.entryCount >= limits.core.queuedEntriesMax }

  /// Whether `advanceReplay` has something to do before a load ends.
  public var canAdvanceReplay: Bool { phase == .replaying && !replay.isEmpty && !loads.isBlocking }

  /// Applies what was read, as long as its keys are resident, about `stepEntriesMax` entries at most.
  public mutating func advanceReplay(at now: Int64, into actions: inout TenancyActions) {
    var entries = 0
    while canAdvanceReplay, entries < limits.core.stepEntriesMax, let read = replay.first {
      if !replay.isJudged {
        guard isCounted(read, at: now, into: &actions) else {
          if case .replaying = phase { replay.removeFirst() }
          continue
        }
        replay.isJudged = true
      }
      guard case .turn(let record)? = read.record else { continue }
      guard apply(record, counting: &entries) else { break }
      applied(record)
      confirmed = (record.number, read.offset)
      replay.removeFirst()
    }
    actions.loads += loads.next()
  }

  /// Judges a record, and notes what it says about owners. Returns whether it has entries to apply.
  private mutating func isCounted(
    _ read: ReplayQueue.Read, at now: Int64, into actions: inout TenancyActions
  ) -> Bool {
    guard let record = read.record else {
      end(
        .stopped(
          number: number + 1, reason: "the record at offset \(read.offset) cannot be decoded: \(read.flaw)"))
      return false
    }
    switch filter.judge(record) {
    case .void(let reason):
      // Another run has this epoch: the owner that finds this acquires one above it.
      if record.owner == owner, reason == .epochTaken || reason == .otherRun { lose(.epochTaken) }
      return false
    case .broken(let reason):
      end(.stopped(number: number + 1, reason: "offset \(read.offset): \(reason)"))
      return false
    case .counted: break
    }
    guard case .owned(let announced) = record else { return true }
    let announcer = OwnerID(epoch: announced.epoch, run: announced.incarnation)
    if announcer == owner || planted.is(.runNotCompared) && announcer.epoch == owner.epoch {
      replayEnded(ownedAt: read.offset, at: now, into: &actions)
    } else if announcer.epoch > owner.epoch {
      end(.superseded(by: announcer))
    } else {
      predecessor = (announcer, false)
    }
    return false
  }

  /// Applies a record of the log. Returns false if it could not be finished: a key must be loaded, or it is poison.
  mutating func apply(_ record: TurnRecord, counting entries: inout Int) -> Bool {
    if replay.nextEntry == 0 {
      var missing: [EntityKey] = []
      for entry in record.entries { collectMissing(for: entry.body, into: &missing) }
      guard missing.isEmpty else {
        loads.request(missing)
        loads.isBlocking = true
        return false
      }
      state.advance(to: record.time)
      guard applyControls(of: record) else { return false }
    }
    while replay.nextEntry < record.entries.count {
      let entry = record.entries[replay.nextEntry]
      // An earlier entry of the record may have created what this one needs, or freed it.
      var missing: [EntityKey] = []
      collectMissing(for: entry.body, into: &missing)
      guard missing.isEmpty else {
        loads.request(missing)
        loads.isBlocking = true
        return false
      }
      var effects = TurnEffects()
      guard applyLogged(entry, of: record, into: &effects) else { return false }
      for (destination, message) in effects.messages { outbox.release(message, to: destination) }
      // Those who waited within an earlier process ended with it.
      if mode.isShared { for reply in effects.replies { keep(reply) } }
      replay.nextEntry += 1
      entries += 1
    }
    return true
  }

  /// Notes that everything in a record has been applied.
  mutating func applied(_ record: TurnRecord) {
    number = record.number
    let isReleased = record.controls.contains { if case .released = $0 { true } else { false } }
    releasedBy = isReleased ? record.owner : nil
  }

  private mutating func applyControls(of record: TurnRecord) -> Bool {
    for control in record.controls {
      do throws(Poison) { try state.apply(control) } catch {
        end(.stopped(number: record.number, reason: error.reason))
        return false
      }
      if case .released = control, predecessor?.owner == record.owner { predecessor?.isGone = true }
    }
    return true
  }

  /// Applies an entry from the log, exactly as its owner did. Returns false if the partition stops.
  mutating func applyLogged(_ entry: LoggedInput, of record: TurnRecord, into effects: inout TurnEffects) -> Bool {
    // What a poisonous entry changed before it was found out is undone if an operator has set it aside.
    let whole = quarantined.contains(record.number) ? (state, outbox, received) : nil
    do throws(Poison) {
      try perform(entry, in: record.number, into: &effects)
      return true
    } catch {
      guard let whole else {
        replay.isOutOfStream = entry.origin != nil && effects.admitted.isEmpty
        end(.stopped(number: record.number, reason: error.reason))
        return false
      }
      (state, outbox, received) = whole
      effects = TurnEffects()
      if let origin = entry.origin { _ = received.admit(origin.number, from: origin.source, at: state.now) }
      return true
    }
  }

  // MARK: The end of the replay

  private mutating func replayEnded(ownedAt offset: Int64, at now: Int64, into actions: inout TenancyActions) {
    replay = ReplayQueue()
    expectedOffset = offset + 1
    anchor = (offset, nil)
    // Only the last word before this owner's Owned counts, and only its writer's.
    if releasedEarly == predecessor?.owner { predecessor?.isGone = true }
    let isUnclean = predecessor.map { !$0.isGone } ?? false
    cautiousLeft = isUnclean ? limits.cautiousInputs : 0
    for row in received.rows(at: state.now) {
      durableThrough[row.source] = row.number
      actions.greetings.append(greeting(to: row.source, row.number, at: state.now))
    }
    // Only now can it take the answers to the question how far its streams have come.
    actions.hasMessages = !outbox.destinations.isEmpty || actions.hasMessages
    if isUnclean && mode.isShared && !planted.is(.noHoldBack) {
      phase = .waiting(since: now)
    } else {
      serve(into: &actions)
    }
  }

  private func greeting(
    to source: StreamSource, _ number: UInt64, asker: UInt64 = 0, at now: Timestamp
  ) -> StreamGreeting {
    StreamGreeting(
      source: source, destination: partition, owner: owner, number: number, now: now,
      asOf: received.asOf(source, at: now), asker: asker)
  }

  /// Answers a sender that asks how far its stream has come with what is durable of it.
  ///
  /// - Parameters:
  ///   - asker: the epoch of the owner that asks for a partition, 0 for a session.
  ///   - time: the owner's time. The partition's time stands still while nothing is logged; a session that begins now
  ///     must not look that old.
  public func greet(
    _ source: StreamSource, asker: UInt64, at time: Timestamp, into actions: inout TenancyActions
  ) {
    guard isAdmitting else { return }
    let now = max(state.now, time)
    let isKnown = received.highest(of: source, at: now) ?? 0 > 0
    actions.greetings.append(greeting(to: source, isKnown ? durableThrough[source] : 0, asker: asker, at: now))
  }

  /// The predecessor says that it answers nothing more. Counts only if it is the last one before this owner.
  public mutating func predecessorReleased(_ former: OwnerID, into actions: inout TenancyActions) {
    if case .replaying = phase {
      releasedEarly = former
      return
    }
    guard case .waiting = phase, predecessor?.owner == former else { return }
    predecessor?.isGone = true
    // Nothing that reached it has ended it.
    cautiousLeft = 0
    serve(into: &actions)
  }

  /// Passes the current time by the owner's clock.
  public mutating func pass(_ now: Int64, into actions: inout TenancyActions) {
    guard case .waiting(let since) = phase, now - since >= lease.waitMilliseconds else { return }
    serve(into: &actions)
  }

  private mutating func serve(into actions: inout TenancyActions) {
    phase = .serving
    // Reads that came earlier wait for a lease, which the confirmation of an append gives.
    if !waitingReads.isEmpty { wantsTick = true }
    // A client gets its reply again; a pod drops what nobody waits for.
    actions.replies += replies.all
    actions.refusals += refusals.all
    for append in held { reveal(append.effects, into: &actions) }
    held = []
    actions.hasMessages = outbox.canSend || actions.hasMessages
  }
}
