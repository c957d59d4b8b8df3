import Model
import PartitionCore
import Streams

// What becomes of appends: confirmed, read back, appended again, or found to be somebody else's.

extension Tenancy {
  /// The log reports where it put the oldest unconfirmed append.
  ///
  /// - Parameters:
  ///   - offset: nil if its fate is unknown: an error, no answer in time, or a producer's repetition.
  ///   - now: the owner's monotonic clock, in milliseconds.
  public mutating func confirmed(
    _ number: UInt64, at offset: Int64?, now: Int64, into actions: inout TenancyActions
  ) {
    guard ending == nil, settling == nil, !unconfirmed.isEmpty, unconfirmed[0].record.number == number else { return }
    let isAtExpectedOffset = offset == expectedOffset || !mode.isShared
    guard isAtExpectedOffset || planted.is(.anyOffsetConfirms) && offset != nil else {
      if planted.is(.revealedBeforeMismatchIsRead) { reveal(unconfirmed[0].effects, into: &actions) }
      settling = Settling(nextOffset: anchor.offset, shrunken: nil)
      actions.readBackFrom = anchor.offset
      return
    }
    confirmOldest(at: offset ?? expectedOffset, now: now, into: &actions)
  }

  // MARK: Reading back

  /// Takes the next record of a log that is being read back.
  public mutating func readBack(
    _ record: LogRecord, at offset: Int64, now: Int64, into actions: inout TenancyActions
  ) {
    guard ending == nil, let settling, offset >= settling.nextOffset else { return }
    self.settling?.nextOffset = offset + 1
    if offset == anchor.offset { return checkAnchor(record) }
    let verdict = filter.judge(record)
    switch verdict {
    case .broken(let reason):
      if planted.is(.stateKeptAfterOwnRecordWasVoid) { return }
      end(.stopped(number: number, reason: "offset \(offset): \(reason)"))
    case .void:
      expectedOffset = offset + 1
    case .counted:
      switch record {
      case .owned(let announced):
        expectedOffset = offset + 1
        let announcer = OwnerID(epoch: announced.epoch, run: announced.incarnation)
        if announcer != owner, !planted.is(.stateKeptAfterOwnRecordWasVoid) {
          // Nothing that was withheld leaves now; what left before is all that it ever answered.
          if mayReveal { actions.releasedTo = announcer }
          end(.superseded(by: announcer))
        }
      case .turn(let read):
        guard let first = unconfirmed.first, read == first.record else {
          return lose(.otherRecord)
        }
        self.settling = nil
        confirmOldest(at: offset, now: now, isJudged: true, into: &actions)
      }
    }
  }

  /// Takes bytes that are not a record, of a log that is being read back.
  public mutating func readBackUndecodable(_ reason: String, at offset: Int64) {
    guard ending == nil, let settling, offset >= settling.nextOffset else { return }
    end(.stopped(number: number, reason: "the record at offset \(offset) cannot be decoded: \(reason)"))
  }

  /// What this owner knows to be durable must be where it was: offsets alone do not show that a log lost its end if as
  /// many records were appended since.
  private mutating func checkAnchor(_ record: LogRecord) {
    let isThere =
      switch record {
      case .owned: record.owner == owner && anchor.number == nil
      case .turn(let read): read.owner == owner && read.number == anchor.number
      }
    guard !isThere, !planted.is(.shrunkenLogIgnored) else { return }
    end(
      .stopped(
        number: number,
        reason: "the log's record at offset \(anchor.offset) is not the one from before: it has lost records"
      ))
  }

  /// The log was read back to its end. What is still unconfirmed is not in it.
  ///
  /// - Parameter end: the offset after the newest record that can be read.
  public mutating func readBackEnded(at end: Int64, now: Int64, into actions: inout TenancyActions) {
    guard ending == nil, let settling, let first = unconfirmed.first else { return }
    if end < expectedOffset, !planted.is(.shrunkenLogIgnored) {
      // Much may have happened between two looks, especially to a process that slept: each counts only a little.
      let passed = min(now - (settling.shrunken?.seenAt ?? now), limits.shrunkenLogMilliseconds / 8)
      let shrunken = (seenAt: now, milliseconds: (settling.shrunken?.milliseconds ?? 0) + passed)
      self.settling?.shrunken = shrunken
      guard shrunken.milliseconds < limits.shrunkenLogMilliseconds else {
        return self.end(
          .stopped(
            number: number,
            reason: "the log ends at offset \(end) but had already reached \(expectedOffset): it has lost records"))
      }
      actions.readBackFrom = settling.nextOffset
      return
    }
    expectedOffset = end
    self.settling = nil
    guard !planted.is(.changedBytesAppendedAgain) else {
      let changed = TurnRecord(
        owner: owner, number: first.record.number, time: first.record.time, controls: first.record.controls,
        entries: first.record.entries.reversed())
      return actions.appends.append(.turn(changed))
    }
    // The identical bytes: whichever of the two is read first counts, and the other one leaves no trace.
    actions.appends.append(.turn(first.record))
  }

  /// The oldest append is durable at `offset`.
  private mutating func confirmOldest(
    at offset: Int64, now: Int64, isJudged: Bool = false, into actions: inout TenancyActions
  ) {
    let append = unconfirmed[0]
    unconfirmed.removeFirst()
    if !isJudged, case .broken(let reason) = filter.judge(append.record.owner, append.record.number) {
      return end(.stopped(number: append.record.number, reason: "\(reason)"))
    }
    confirmed = (append.record.number, offset)
    sweepConfirmed(append.record.number)
    if let suspicion, suspicion.provenBy <= append.record.number {
      return end(.stopped(number: append.record.number, reason: suspicion.reason))
    }
    expectedOffset = offset + 1
    anchor = (offset, append.record.number)
    lease.confirmed(sentAt: append.sentAt, at: now)
    var effects = append.effects
    if append.isCautious {
      guard let applied = applyCautious(append.record) else { return }
      effects = applied
    }
    noteCheckpoint(of: append.record.number, at: offset)
    for (source, number) in effects.admitted { durableThrough[source] = number }
    acknowledge(effects.admitted, into: &actions)
    if mayReveal {
      reveal(effects, into: &actions)
    } else {
      held.append(
        UnconfirmedAppend(record: append.record, sentAt: append.sentAt, isCautious: false, effects: effects))
    }
    releaseAnswers(into: &actions)
    answerWaiting(provenBy: append.record.number, at: now, into: &actions)
    leaveIfDone(into: &actions)
  }

  /// Applies what was logged before it was applied. Returns nil if it cannot.
  private mutating func applyCautious(_ record: TurnRecord) -> TurnEffects? {
    state.advance(to: record.time)
    for control in record.controls { try? state.apply(control) }
    var effects = TurnEffects()
    for entry in record.entries {
      guard applyLogged(entry, of: record, into: &effects) else { return nil }
    }
    applied(record)
    return effects
  }

  /// Acknowledges the newest number of each source in a record.
  private func acknowledge(
    _ admitted: [(source: StreamSource, number: UInt64)], into actions: inout TenancyActions
  ) {
    // A record has inputs of few sources, usually in a row.
    let first = actions.acknowledgements.count
    for (source, number) in admitted {
      if let place = actions.acknowledgements[first...].lastIndex(where: { $0.source == source }) {
        actions.acknowledgements[place].number = number
      } else {
        actions.acknowledgements.append(acknowledgement(of: source, number))
      }
    }
  }

  /// Releases what a durable record has caused.
  mutating func reveal(_ effects: TurnEffects, into actions: inout TenancyActions) {
    send(effects.messages, into: &actions)
    for reply in effects.replies {
      // Within one process a reply is received as soon as it is given.
      if mode.isShared { keep(reply) }
      guard reply.request.isIngested else {
        actions.replies.append(reply)
        continue
      }
      if reply.isRefusal { actions.refusals.append(reply) }
    }
  }

  // MARK: Leaving

  /// Another owner has announced itself. What is under way is settled; nothing new begins.
  public mutating func successorAnnounced(_ successor: OwnerID, into actions: inout TenancyActions) {
    guard successor.epoch > owner.epoch else { return }
    switch phase {
    // It has answered nothing, but cannot know that its predecessor has stopped answering.
    case .replaying, .waiting: end(.superseded(by: successor))
    case .serving where planted.is(.releasedWhileServing): actions.releasedTo = successor
    case .serving, .leaving:
      phase = .leaving(to: successor)
      leaveIfDone(into: &actions)
    case .ended: break
    }
  }

  /// The owner should give the partition up, and nobody has it yet.
  public mutating func leave() {
    switch phase {
    case .serving: phase = .leaving(to: nil)
    case .replaying, .waiting: end(.left)
    case .leaving, .ended: break
    }
  }

  /// The store refused this owner.
  public mutating func fenced(_ loss: Loss = .fenced) {
    guard ending == nil else { return }
    lose(loss)
  }

  private mutating func leaveIfDone(into actions: inout TenancyActions) {
    guard case .leaving(let successor) = phase, unconfirmed.isEmpty, settling == nil else { return }
    if let successor {
      actions.releasedTo = successor
      actions.forwarded += takeWaitingReads()
      end(.superseded(by: successor))
    } else if isReleaseLogged {
      actions.forwarded += takeWaitingReads()
      end(.left)
    }
  }
}
