import Model
import PartitionCore
import Streams

// A turn: drain, apply, append once.

extension Tenancy {
  /// Whether a turn would append something now.
  public var wantsTurn: Bool {
    if case .leaving(to: nil) = phase { return unconfirmed.isEmpty && settling == nil && !isReleaseLogged }
    guard isAdmitting, phase != .replaying, settling == nil, !loads.isBlocking, held.count < limits.heldRecordsMax,
      unconfirmed.count < appendsUnderWayMax
    else { return false }
    return !messages.isEmpty && !isPaused || !commands.isEmpty || canIngest || canSweep || wantsTick
      || !wantedControls.isEmpty
  }

  /// What is logged before it is applied goes alone: whatever comes next may depend on it.
  private var appendsUnderWayMax: Int {
    cautiousLeft > 0 || hasCautious ? 1 : mode.appendsUnderWayMax
  }

  /// Something was logged and is applied only once durable: nothing else is under way then.
  var hasCautious: Bool { isNewestCautious && !unconfirmed.isEmpty }

  /// Too much waits for a checkpoint to execute commands.
  public var isDirtyBoundReached: Bool { state.dirtyCount >= limits.core.dirtyMax }

  /// Too much waits for a checkpoint to take even messages: their senders keep them.
  public var isPaused: Bool { state.dirtyCount >= 2 * limits.core.dirtyMax }

  /// What must be in the log before anything more is decided.
  private var wantedControls: [Control] {
    if ruleLimits == wantedLimits, state.rulesVersion >= wantedRules { return [] }
    return (state.rulesVersion < wantedRules ? [.rules(version: wantedRules)] : [])
      + (ruleLimits == wantedLimits ? [] : [.limits(wantedLimits)])
  }

  /// Applies what is queued and appends it as one record.
  ///
  /// - Parameters:
  ///   - time: the owner's time; the partition's never runs backwards, whatever this is.
  ///   - now: the owner's monotonic clock, in milliseconds.
  public mutating func turn(at time: Timestamp, now: Int64, into actions: inout TenancyActions) {
    guard wantsTurn else { return }
    if case .leaving = phase {
      isReleaseLogged = true
      return append([.released(epoch: owner.epoch)], [], TurnEffects(), isCautious: false, time, now, &actions)
    }
    let controls = wantedControls
    if cautiousLeft > 0, !(messages.isEmpty && commands.isEmpty) || canIngest || canSweep {
      return cautiousTurn(controls, time, now, &actions)
    }
    let time = max(state.now, time)
    if !controls.isEmpty { state.advance(to: time) }
    for control in controls { try? state.apply(control) }
    var entries: [LoggedInput] = []
    var effects = TurnEffects()
    let expected =
      min(messages.count + commands.count, limits.turnInputsMax) + min(ingested.count, limits.turnIngestMax)
    entries.reserveCapacity(expected)
    effects.reserveCapacity(expected)
    var bytes = 0
    drain(.messages, time, now, &entries, &effects, &bytes, &actions)
    drain(.commands, time, now, &entries, &effects, &bytes, &actions)
    drainIngested(time, &entries, &effects, &bytes)
    drainSweep(time, &entries, &effects, bytes)
    actions.loads += loads.next()
    guard ending == nil, !entries.isEmpty || !controls.isEmpty || wantsTick else { return }
    append(controls, entries, effects, isCautious: false, time, now, &actions)
    if planted.is(.acknowledgedWhenApplied) || planted.is(.ingestAcknowledgedWhenApplied) {
      for (source, number) in effects.admitted where source == .ingest || planted.is(.acknowledgedWhenApplied) {
        actions.acknowledgements.append(acknowledgement(of: source, number))
      }
    }
  }

  private enum Inputs { case messages, commands }

  private func first(of inputs: Inputs) -> Inbound? {
    switch inputs {
    case .messages: messages.first
    case .commands: commands.first
    }
  }

  private mutating func removeFirst(of inputs: Inputs) {
    switch inputs {
    case .messages: messages.removeFirst()
    case .commands: commands.removeFirst()
    }
  }

  /// Applies the inputs of one queue until it is empty, a bound is reached, or a key has to be loaded.
  private mutating func drain(
    _ inputs: Inputs, _ time: Timestamp, _ now: Int64, _ entries: inout [LoggedInput],
    _ effects: inout TurnEffects, _ bytes: inout Int, _ actions: inout TenancyActions
  ) {
    while let inbound = first(of: inputs), entries.count < limits.turnInputsMax, ending == nil,
      !loads.isBlocking
    {
      if case .message = inbound.input, isPaused { return }
      let size = inbound.input.byteEstimate
      guard bytes == 0 || bytes + size <= limits.turnBytesMax else { return }
      guard isStillNext(inbound, at: time, into: &actions) else {
        removeFirst(of: inputs)
        continue
      }
      guard let entry = residentEntry(for: inbound, at: now) else { return }
      if inbound.origin == nil, case .skip(let request?, let reason) = entry.body {
        // No number was used, so the log need not know.
        actions.replies.append(.skipped(request, reason))
        removeFirst(of: inputs)
        continue
      }
      // Only once something is applied: the log has to say it, too.
      state.advance(to: time)
      do throws(Poison) {
        try perform(entry, in: number + 1, into: &effects)
      } catch {
        // What was applied is half done, and nothing of this turn is in the log. A new tenure logs what cannot be
        // applied by itself, where an operator finds it.
        if planted.is(.poisonNotLogged) {
          removeFirst(of: inputs)
          continue
        }
        return lose(.poison)
      }
      removeFirst(of: inputs)
      if planted.is(.skipNotLogged), case .skip = entry.body { continue }
      if planted.is(.refusedCommandExecuted), case .command(let command) = entry.body, isDirtyBoundReached {
        actions.replies.append(.skipped(command.request, .overloaded))
      }
      entries.append(entry)
      bytes += size
    }
  }

  /// Logs the next input by itself, to be applied once durable.
  private mutating func cautiousTurn(
    _ controls: [Control], _ time: Timestamp, _ now: Int64, _ actions: inout TenancyActions
  ) {
    let isMessage = !messages.isEmpty && !isPaused
    guard let inbound = isMessage ? messages.first : commands.first else {
      guard let entry = takeWhatWaits(at: max(state.now, time)) else {
        actions.loads += loads.next()
        return
      }
      cautiousLeft -= 1
      return append(controls, [entry], TurnEffects(), isCautious: true, time, now, &actions)
    }
    guard isStillNext(inbound, at: max(state.now, time), into: &actions) else {
      return isMessage ? messages.removeFirst() : commands.removeFirst()
    }
    guard let entry = residentEntry(for: inbound, at: now) else {
      actions.loads += loads.next()
      return
    }
    if isMessage { messages.removeFirst() } else { commands.removeFirst() }
    cautiousLeft -= 1
    append(controls, [entry], TurnEffects(), isCautious: true, time, now, &actions)
  }

  /// The next input that nobody waits for: of the ingest log, or else the sweep.
  private mutating func takeWhatWaits(at time: Timestamp) -> LoggedInput? {
    if canIngest {
      guard let entry = residentIngested(at: time) else { return nil }
      ingested.removeFirst()
      return entry
    }
    guard let entry = residentSweep() else { return nil }
    sweepPhase = .logged(number + 1)
    return entry
  }

  /// Whether a queued input is still the next one of its stream: the partition's time may have moved so far that its
  /// session was forgotten. Its sender is notified.
  private mutating func isStillNext(
    _ inbound: Inbound, at time: Timestamp, into actions: inout TenancyActions
  ) -> Bool {
    guard let origin = inbound.origin, !planted.is(.gapAdmitted) else { return true }
    if isForgotten(origin.source, asOf: inbound.asOf, at: time) {
      queuedThrough[origin.source] = 0
      refuse(origin.source, expected: 0, into: &actions)
      return false
    }
    guard case .gap(let expected) = received.admission(of: origin.number, from: origin.source, at: time) else {
      return true
    }
    queuedThrough[origin.source] = 0
    refuse(origin.source, expected: expected, into: &actions)
    return false
  }

  /// What the log will say of an input whose keys are resident; nil while some have to be loaded.
  private mutating func residentEntry(for inbound: Inbound, at now: Int64) -> LoggedInput? {
    let entry = entry(for: inbound, at: now)
    guard isResident(entry.body) else { return nil }
    return isUndecidable(entry.body) ? entry.skipped(.undecidable) : entry
  }

  /// What the log will say of an input, as far as its keys do not matter: itself, or that it is skipped.
  private func entry(for inbound: Inbound, at now: Int64) -> LoggedInput {
    switch inbound.input {
    case .message(let message):
      if planted.is(.messageRefusedWhenDirty), isDirtyBoundReached {
        return LoggedInput(origin: inbound.origin, body: .skip(nil, .overloaded))
      }
      return LoggedInput(origin: inbound.origin, body: .message(message))
    case .command(let command, let deadline):
      guard let reason = reasonToSkip(deadline, at: now) else {
        return LoggedInput(origin: inbound.origin, body: .command(command))
      }
      return LoggedInput(origin: inbound.origin, body: .skip(command.request, reason))
    }
  }

  /// Whether a resident command would begin what cannot end now.
  func isUndecidable(_ body: LoggedInput.Body) -> Bool {
    guard !unserved.isEmpty, state.rulesVersion >= Rules.eras, case .command(let command) = body else { return false }
    return state.parties(to: command).contains(where: unserved.contains)
  }

  private func reasonToSkip(_ deadline: Int64?, at now: Int64) -> SkipReason? {
    if let deadline, deadline < now { return .expired }
    if outbox.unacknowledgedCount >= limits.unacknowledgedMessagesMax { return .overloaded }
    return isDirtyBoundReached && !planted.is(.refusedCommandExecuted) ? .overloaded : nil
  }

  /// Whether an entry can be applied now; if not, asks for what it and everything queued need.
  mutating func isResident(_ body: LoggedInput.Body) -> Bool {
    var missing: [EntityKey] = []
    collectMissing(for: body, into: &missing)
    if missing.isEmpty { return true }
    for inbound in messages.all where missing.count < limits.core.loadKeysMax {
      if case .message(let message) = inbound.input { state.collectMissing(for: message, into: &missing) }
    }
    for inbound in commands.all where missing.count < limits.core.loadKeysMax {
      if case .command(let command, _) = inbound.input { state.collectMissing(for: command, into: &missing) }
    }
    for entry in ingested.all.prefix(limits.turnIngestMax) where missing.count < limits.core.loadKeysMax {
      collectMissing(for: entry.body, into: &missing)
    }
    loads.request(missing)
    loads.isBlocking = true
    return false
  }

  func collectMissing(for body: LoggedInput.Body, into keys: inout [EntityKey]) {
    switch body {
    case .command(let command): state.collectMissing(for: command, into: &keys)
    case .message(let message): state.collectMissing(for: message, into: &keys)
    case .skip: break
    }
  }

  /// Applies one entry of record `number`; the same in a turn and in every replay.
  ///
  /// - Throws: `Poison` if no version of these rules wrote it; what it had changed by then stays changed.
  mutating func perform(
    _ entry: LoggedInput, in number: UInt64, into effects: inout TurnEffects
  ) throws(Poison) {
    if let origin = entry.origin {
      let admission = received.admit(origin.number, from: origin.source, at: state.now)
      guard admission == .next || planted.is(.gapAdmitted) else {
        throw Poison("input \(origin.number) of \(origin.source): \(admission)")
      }
      if planted.is(.gapAdmitted) { received.resume(origin.source, after: origin.number, at: state.now) }
      effects.admitted.append((origin.source, origin.number))
    }
    let place = RecordPlace(offset: Int64(number), position: LogPosition(number))
    var caused = Effects()
    var index: UInt32 = 0
    switch entry.body {
    case .command(let command): try state.apply(command, at: place, nextIndex: &index, into: &caused)
    case .message(let message): try state.apply(message, at: place, nextIndex: &index, into: &caused)
    case .skip(let request, let reason): if let request { effects.replies.append(.skipped(request, reason)) }
    }
    for outbound in caused.messages {
      guard case .message(let message) = outbound.entry.body else { continue }
      if planted.is(.parkedForgotten), message.message.continues(after: entry.body) { continue }
      _ = outbox.number(for: outbound.to)
      effects.messages.append((outbound.to, message.message))
    }
    for withheld in caused.replies where !withheld.reply.request.isSweep {
      effects.replies.append(.outcome(withheld.reply))
    }
  }

  private mutating func append(
    _ controls: [Control], _ entries: [LoggedInput], _ effects: TurnEffects, isCautious: Bool, _ time: Timestamp,
    _ now: Int64, _ actions: inout TenancyActions
  ) {
    wantsTick = false
    let record = TurnRecord(
      owner: owner, number: number + 1, time: max(state.now, time), controls: controls, entries: entries)
    var append = UnconfirmedAppend(record: record, sentAt: now, isCautious: isCautious, effects: effects)
    if !isCautious {
      state.advance(to: record.time)
      applied(record)
    }
    if mode.isOneSequence {
      // Causes and effects are lost together, so messages need not wait; replies do.
      send(append.effects.messages, into: &actions)
      append.effects.messages = []
    }
    unconfirmed.append(append)
    isNewestCautious = isCautious
    actions.appends.append(.turn(record))
  }

  mutating func send(
    _ messages: [(destination: PartitionID, message: Message)], into actions: inout TenancyActions
  ) {
    for (destination, message) in messages {
      guard mode.isOneSequence, let sent = outbox.releaseAtOnce(message, to: destination) else {
        if !mode.isOneSequence { outbox.release(message, to: destination) }
        actions.hasMessages = true
        continue
      }
      actions.messages.append(
        .message(message, number: sent.number, from: partition, to: sent.owner), to: destination, slot: sent.slot)
    }
  }
}
