import Model

/// What a log's entries make of a partition: the rules of its service, its idempotency keys, its time.
///
/// A pure function of what was applied, in order; the caller decides what that is. The keys that an entry touches must
/// be resident before it is applied (`collectMissing`).
public struct AppliedState<Machine: StateMachine>: Sendable {
  public let partition: PartitionID
  public internal(set) var machine: Machine
  /// The partition's time: it never runs backwards.
  public private(set) var now: Timestamp
  public private(set) var rulesVersion: UInt32
  /// The bounds that the partition decides under.
  public private(set) var ruleLimits: RuleLimits
  private let partitionCount: Int
  private var idempotency = Table<IdempotencyKey, IdempotencyRecord>()

  /// Starts from what the store holds.
  ///
  /// - Parameter firstRules: what the partition's log begins with.
  public init(
    partition: PartitionID, partitioner: Partitioner, firstRules: UInt32, header: CheckpointHeader?,
    pinned: [EntityChange]
  ) {
    self.partition = partition
    partitionCount = partitioner.count
    machine = Machine(partition: partition, partitioner: partitioner)
    now = header?.now ?? .zero
    rulesVersion = header?.rulesVersion ?? firstRules
    ruleLimits = header?.limits ?? .initial
    machine.ledger = header?.ledger ?? Ledger()
    for row in pinned { machine.install(row.key, row.value) }
  }

  /// Why what the store holds cannot be a state of this partition; nil if it can.
  public func flaw(of pinned: [EntityChange]) -> String? {
    if rulesVersion > Rules.current {
      return "the checkpoint follows rules \(rulesVersion); this program knows rules up to \(Rules.current)"
    }
    for row in pinned {
      guard case .hold(let hold)? = row.value, !belongs(hold) else { continue }
      return "the store's hold of \(hold.slip.attempt) names a stop of another partition, or none at all"
    }
    return nil
  }

  /// Whether a hold from the store can belong to this partition; any message caused by a foreign one would go astray.
  private func belongs(_ hold: Hold) -> Bool {
    Int(hold.stop) < hold.slip.stops.count && hold.slip.stops[Int(hold.stop)].partition == partition.index
      && hold.slip.stop(beyond: partitionCount) == nil
  }

  // MARK: Applying

  /// Advances the partition's time; an earlier time changes nothing.
  public mutating func advance(to time: Timestamp) { now = max(now, time) }

  /// Applies what a control says of rules and limits; it ignores what owners say about themselves.
  ///
  /// - Throws: `Poison` for rules that this program does not know.
  public mutating func apply(_ control: Control) throws(Poison) {
    switch control {
    case .rules(let version):
      guard (1...Rules.current).contains(version) else {
        throw Poison("rules \(version) are not known to this program, which knows up to \(Rules.current)")
      }
      rulesVersion = max(rulesVersion, version)
    case .limits(let limits):
      ruleLimits = limits
    case .owned, .released, .tick: break
    }
  }

  /// Applies a client's command.
  ///
  /// - Parameters:
  ///   - place: the place of its record.
  ///   - nextIndex: numbers the messages that a record causes.
  /// - Throws: `Poison` if it cannot be applied; what it had changed by then stays changed.
  public mutating func apply(
    _ command: ClientCommand, at place: RecordPlace, nextIndex: inout UInt32, into effects: inout Effects
  ) throws(Poison) {
    try apply(at: place, trace: command.trace, &nextIndex, &effects) { state, context throws(Poison) in
      try state.decide(command, in: &context)
    }
  }

  /// Takes one step of a checkout; otherwise as for a command.
  public mutating func apply(
    _ message: Message, at place: RecordPlace, nextIndex: inout UInt32, into effects: inout Effects
  ) throws(Poison) {
    if let stop = message.slip?.stop(beyond: partitionCount) {
      throw Poison("a slip with a stop at \(PartitionID(.stock, stop.partition)), a partition that does not exist")
    }
    try apply(at: place, trace: nil, &nextIndex, &effects) { state, context throws(Poison) in
      try state.machine.receive(message, in: &context)
    }
  }

  private mutating func apply(
    at place: RecordPlace, trace: TraceContext?, _ nextIndex: inout UInt32, _ effects: inout Effects,
    _ body: (inout Self, inout ApplyContext) throws(Poison) -> Void
  ) throws(Poison) {
    var context = ApplyContext(
      now: now, rules: rulesVersion, limits: ruleLimits, position: place.position, trace: trace, source: partition,
      partitionCount: partitionCount, offset: place.offset, nextIndex: nextIndex, effects: effects)
    effects = Effects()
    defer {
      nextIndex = context.nextIndex
      effects = context.effects
    }
    try body(&self, &context)
    if let poison = context.poison { throw poison }
    for (waiter, outcome) in context.completed {
      remember(outcome, under: waiter.idempotency, at: place.position)
      context.effects.replies.append(
        .init(reply: Reply(request: waiter.request, outcome: outcome), revealedAt: place.position))
    }
  }

  // MARK: Idempotency: the same request gets the same outcome

  private mutating func decide(_ command: ClientCommand, in context: inout ApplyContext) throws(Poison) {
    guard command.command.service == partition.service else {
      throw Poison("a command of \(command.command.service.name) in a log of \(partition.service.name)")
    }
    if let reply = knownReply(to: command) {
      context.effects.replies.append(.init(reply: reply, revealedAt: context.position))
      return
    }
    let waiter = Waiter(request: command.request, idempotency: command.idempotency)
    if let outcome = try machine.apply(command.command, from: waiter, in: &context) {
      context.complete(waiter, outcome)
    } else if let token = command.idempotency {
      write(IdempotencyRecord(fingerprint: token.fingerprint, outcome: nil, expiry: expiry), token, context.position)
    }
  }

  /// The reply that the command's idempotency key already has. A request still under way has none: only a
  /// checkout can be, and the repetition joins it.
  private func knownReply(to command: ClientCommand) -> Reply? {
    guard let token = command.idempotency, let known = idempotency[token.key], known.expiry > now else {
      return nil
    }
    guard known.fingerprint == token.fingerprint else {
      return Reply(request: command.request, outcome: .refused(.idempotencyKeyReused(token.key)))
    }
    return known.outcome.map { Reply(request: command.request, outcome: $0, isReplayed: true) }
  }

  private var expiry: Timestamp {
    Timestamp(milliseconds: now.milliseconds + ruleLimits.idempotencyExpiryMilliseconds)
  }

  private mutating func remember(_ outcome: Outcome, under token: IdempotencyToken?, at position: LogPosition) {
    guard let token else { return }
    if case .refused(let refusal) = outcome, refusal.isTransient(under: rulesVersion) {
      switch refusal {
      // A request that could not join leaves the key to the one that is under way.
      case .tooManyJoined: return
      // It was admitted because its key was free, and nothing was stored since.
      case .checkoutUnderWay: return
      default: break
      }
      // The same request may do better later: the key is free again. After a recovery it need not be resident.
      idempotency.delete(token.key, at: position)
      return
    }
    let record = IdempotencyRecord(fingerprint: token.fingerprint, outcome: outcome, expiry: expiry)
    write(record, token, position)
  }

  private mutating func write(_ record: IdempotencyRecord, _ token: IdempotencyToken, _ position: LogPosition) {
    idempotency.update(token.key, at: position) { $0 = record }
  }

  /// The answer to a query whose keys are resident, and what it must wait for.
  public mutating func view(of query: Query) -> (View, LogPosition) { machine.view(of: query) }

  // MARK: What is resident

  /// The partitions that must serve so that what `command` begins can end; none if its key has an outcome.
  public func parties(to command: ClientCommand) -> [PartitionID] {
    knownReply(to: command) == nil ? machine.parties(to: command.command) : []
  }

  /// Appends the keys that must be resident before `command` is applied but are not.
  public func collectMissing(for command: ClientCommand, into keys: inout [EntityKey]) {
    if let key = command.idempotency?.key, !idempotency.isResident(key) { keys.append(.idempotency(key)) }
    machine.collectMissing(for: command.command, into: &keys)
  }

  /// As for a command.
  public func collectMissing(for message: Message, into keys: inout [EntityKey]) {
    machine.collectMissing(for: message, into: &keys)
  }

  /// Takes what the store said about keys; what is already resident is newer.
  public mutating func install(_ rows: [EntityChange]) {
    for row in rows {
      guard case .idempotency(let key) = row.key else {
        machine.install(row.key, row.value)
        continue
      }
      if case .idempotency(let record)? = row.value {
        idempotency.install(key, record)
      } else {
        idempotency.install(key, nil)
      }
    }
  }

  public var residentCount: Int { machine.residentCount + idempotency.residentCount }
  public var dirtyCount: Int { machine.dirtyCount + idempotency.dirtyCount }

  /// Returns every dirty entity, for a checkpoint; they count as dirty until `checkpointEnded`.
  public mutating func takeChanges() -> [EntityChange] {
    var changes: [EntityChange] = []
    changes.reserveCapacity(dirtyCount)
    machine.takeChanges { key, value in changes.append(EntityChange(key: key, value: value)) }
    idempotency.takeChanges { key, record in
      changes.append(EntityChange(key: .idempotency(key), value: record.map(Entity.idempotency)))
    }
    return changes
  }

  public mutating func checkpointEnded(isWritten: Bool) {
    machine.checkpointEnded(isWritten: isWritten)
    idempotency.checkpointEnded(isWritten: isWritten)
  }

  /// Evicts clean entities, at most `excess`, but none that is being loaded. Returns how many.
  public mutating func evict(excess: Int, scanMax: Int, keeping requested: Set<EntityKey>) -> Int {
    let evicted = machine.evict(excess: excess, scanMax: scanMax, keeping: requested)
    return evicted
      + idempotency.evict(excess: excess - evicted, scanMax: scanMax) { requested.contains(.idempotency($0)) }
  }

  /// Every resident entity that exists, in no particular order; expired idempotency records are left out.
  public func forEachEntity(_ body: (EntityKey, Entity) -> Void) {
    machine.forEach(body)
    idempotency.forEach { key, record in
      if record.expiry > now { body(.idempotency(key), .idempotency(record)) }
    }
  }
}

/// The place of an entry's record.
public struct RecordPlace: Hashable, Sendable {
  /// Numbers what the record causes.
  public let offset: Int64
  /// What every answer that shows the entry's effect must wait for.
  public let position: LogPosition

  public init(offset: Int64, position: LogPosition) {
    self.offset = offset
    self.position = position
  }
}
