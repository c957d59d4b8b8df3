import Model

/// Everything that the owner of one partition decides, as a value without threads, clocks or I/O.
///
/// The shell (`PartitionRuntime`, or the simulator) feeds it events — records of the log, loaded entities, reads,
/// the end of a checkpoint — and performs what it asks for: messages to append, replies to send, keys to load, a
/// checkpoint to write. Entries are applied strictly in log order; when one needs a key that is not resident, the
/// partition waits for one load of everything that its queue is known to need.
///
/// Exactly-once rests on three rules that stand here and nowhere else:
/// 1. a message that is not newer than the newest seen from its source is dropped (`Dedup`);
/// 2. state, dedup table and offset are checkpointed together (`CheckpointBatch`);
/// 3. a checkpoint is handed out only when the log is durable up to every record that it includes and every message
///    that those records caused (`checkpointToWrite`), so what the store holds never has to be sent again.
public struct PartitionLoop<Machine: StateMachine>: Sendable {
  public let partition: PartitionID
  public private(set) var status: PartitionStatus = .running
  public private(set) var machine: Machine
  /// The offset of the newest record that was applied whole; -1 before the first.
  public private(set) var appliedOffset: Int64
  public private(set) var counters = PartitionCounters()
  /// The owner's standing, where partitions change their owners; nil where nobody else can have one.
  public var tenure: Tenure?

  private let limits: CoreLimits
  private var idempotency = Table<IdempotencyKey, IdempotencyRecord>()
  private var dedup: Dedup
  private var now: Timestamp
  private var rulesVersion: UInt32

  /// Records that were delivered and not applied whole; entries of the first one up to `nextEntry` were applied.
  private var queue = RecordQueue()
  private var nextEntry = 0
  /// The offset of the newest record that was delivered.
  private var deliveredOffset: Int64
  /// Messages that the record at the head of the queue has sent so far.
  private var nextMessageIndex: UInt32 = 0

  /// Keys to ask for next, and keys asked for in the load that is under way; `requested` is both.
  private var toLoad: [EntityKey] = []
  private var underLoad: [EntityKey] = []
  private var requested: Set<EntityKey> = []
  /// The record at the head of the queue waits for a load.
  private var isBlocked = false
  private var waitingReads: [WaitingRead] = []

  private var checkpoint = CheckpointPhase.idle
  /// The position in the log behind everything that was applied, and behind every message that it caused.
  private var settledAt = LogPosition.zero
  /// Messages that were put out and do not stand in the log yet.
  private var hasUnappended = false
  /// The offset of the newest checkpoint that was written.
  public private(set) var checkpointedOffset: Int64

  private enum CheckpointPhase: Sendable {
    /// Can transition to: taken.
    case idle
    /// Waits until the log is durable up to the position. Can transition to: writing.
    case taken(CheckpointBatch, LogPosition)
    /// Is with the store. Can transition to: idle.
    case writing(offset: Int64)
  }

  private struct WaitingRead: Sendable {
    let request: RequestID
    let query: Query
  }

  /// Starts from what the store holds.
  public init(partition: PartitionID, partitioner: Partitioner, limits: CoreLimits, recovery: Recovery) {
    self.partition = partition
    self.limits = limits
    machine = Machine(partition: partition, partitioner: partitioner, limits: limits)
    dedup = Dedup(partitionCount: partitioner.count)
    let header = recovery.header
    appliedOffset = header?.offset ?? -1
    deliveredOffset = appliedOffset
    checkpointedOffset = appliedOffset
    now = header?.now ?? .zero
    rulesVersion = header?.rulesVersion ?? 1
    machine.ledger = header?.ledger ?? Ledger()
    dedup.restore(header?.dedup ?? [])
    for row in recovery.pinned { machine.install(row.key, row.value) }
    if rulesVersion > Rules.current {
      status = .stopped(
        offset: appliedOffset,
        reason: "the checkpoint follows rules \(rulesVersion); this program knows up to \(Rules.current)")
    }
  }

  // MARK: Records

  /// Takes the next record of the log.
  ///
  /// A record that was delivered before is dropped; a gap stops the partition, and so does a log that breaks it.
  public mutating func deliver(_ delivery: Delivery) {
    if case .broken(let reason) = delivery.content { return abandon(at: delivery.offset, reason) }
    guard case .running = status, delivery.offset > deliveredOffset else { return }
    guard delivery.offset == deliveredOffset + 1 else {
      stop(at: delivery.offset, "a gap in the log: expected offset \(deliveredOffset + 1)")
      return
    }
    deliveredOffset = delivery.offset
    queue.append(delivery)
  }

  /// How many entries of the record behind `appliedOffset` were applied; that many more stand before the one at which
  /// a stopped partition stopped.
  public var appliedEntries: Int { nextEntry }

  /// Records that were delivered and wait to be applied.
  public var queuedRecords: Int { queue.count }

  /// Whether another `step` has something to do before any event comes.
  public var canStep: Bool { status == .running && !queue.isEmpty && !isBlocked }

  /// Applies queued records until the queue is empty, the step's bound is reached, or a key has to be loaded.
  public mutating func step(into effects: inout Effects) {
    var entries = 0
    defer { hasUnappended = hasUnappended || !effects.messages.isEmpty }
    while canStep, entries < limits.stepEntriesMax, let delivery = queue.first {
      switch delivery.content {
      case .broken(let reason):
        abandon(at: delivery.offset, reason)
      case .undecodable(let reason):
        stop(at: delivery.offset, "the record cannot be decoded: \(reason)")
      case .record(let record):
        if nextEntry == 0, !collectMissing() { return }
        guard apply(record, of: delivery, into: &effects, counting: &entries) else { return }
        settledAt = max(settledAt, delivery.position)
        appliedOffset = delivery.offset
        counters.recordsApplied += 1
        nextEntry = 0
        nextMessageIndex = 0
        queue.removeFirst()
      }
    }
  }

  /// Says that everything put out so far stands in the log up to `position`.
  public mutating func appended(upTo position: LogPosition) {
    settledAt = max(settledAt, position)
    hasUnappended = false
  }

  /// Applies the rest of a record. Returns false when it could not be finished.
  private mutating func apply(
    _ record: Record, of delivery: Delivery, into effects: inout Effects, counting entries: inout Int
  ) -> Bool {
    while nextEntry < record.entries.count {
      let entry = record.entries[nextEntry]
      var missing: [EntityKey] = []
      collectMissing(for: entry, into: &missing)
      if !missing.isEmpty {
        request(missing)
        isBlocked = true
        return false
      }
      now = max(now, entry.time)
      let before = (messages: effects.messages.count, replies: effects.replies.count, index: nextMessageIndex)
      do throws(Poison) {
        try apply(entry, of: delivery, into: &effects)
      } catch {
        // Nothing of it gets out: when it is quarantined, the entries behind it put out what comes next.
        effects.messages.removeLast(effects.messages.count - before.messages)
        effects.replies.removeLast(effects.replies.count - before.replies)
        nextMessageIndex = before.index
        stop(at: delivery.offset, "entry \(nextEntry): \(error.reason)")
        return false
      }
      nextEntry += 1
      entries += 1
      counters.entriesApplied += 1
      guard status == .running else { return false }
    }
    return true
  }

  private mutating func apply(_ entry: Entry, of delivery: Delivery, into effects: inout Effects) throws(Poison) {
    if case .control(let control) = entry.body {
      try apply(control, at: delivery.offset)
      return
    }
    var context = ApplyContext(
      now: now, position: delivery.position, trace: entry.trace, source: partition, offset: delivery.offset,
      nextIndex: nextMessageIndex, effects: effects)
    effects = Effects()
    defer {
      nextMessageIndex = context.nextIndex
      effects = context.effects
    }
    switch entry.body {
    case .command(let command): try apply(command, in: &context)
    case .message(let message): try receive(message, in: &context)
    case .control: break
    }
    for (waiter, outcome) in context.completed {
      remember(outcome, under: waiter.idempotency, at: delivery.position)
      context.effects.replies.append(
        .init(reply: Reply(request: waiter.request, outcome: outcome), revealedAt: delivery.position))
    }
  }

  private mutating func apply(_ control: Control, at offset: Int64) throws(Poison) {
    switch control {
    case .rules(let version):
      guard (1...Rules.current).contains(version) else {
        throw Poison("rules \(version) are not known to this program, which knows up to \(Rules.current)")
      }
      rulesVersion = max(rulesVersion, version)
    case .owned, .released, .tick:
      tenure?.read(control)
      if case .superseded(let epoch) = tenure?.phase { status = .superseded(offset: offset, by: epoch) }
    }
  }

  private mutating func receive(_ message: PartitionMessage, in context: inout ApplyContext) throws(Poison) {
    guard let isNew = dedup.admit(message) else {
      throw Poison("a message of \(message.source), a partition that does not exist")
    }
    guard isNew else {
      counters.dedupDrops += 1
      return
    }
    try machine.receive(message.message, in: &context)
  }

  // MARK: Idempotency keys

  private mutating func apply(_ command: ClientCommand, in context: inout ApplyContext) throws(Poison) {
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

  /// The reply that the command's idempotency key already has. A request that is still under way has none: only
  /// a checkout can be, and the repetition joins it.
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
    Timestamp(milliseconds: now.milliseconds + limits.idempotencyExpiryMilliseconds)
  }

  private mutating func remember(
    _ outcome: Outcome, under token: IdempotencyToken?, at position: LogPosition
  ) {
    guard let token else { return }
    if case .refused(let refusal) = outcome, refusal.isTransient {
      // A request that could not join leaves the key to the one that is under way.
      if case .tooManyJoined = refusal { return }
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

  // MARK: Loads

  private func collectMissing(for entry: Entry, into keys: inout [EntityKey]) {
    switch entry.body {
    case .command(let command):
      if let key = command.idempotency?.key, !idempotency.isResident(key) { keys.append(.idempotency(key)) }
      machine.collectMissing(for: command.command, into: &keys)
    case .message(let message):
      machine.collectMissing(for: message.message, into: &keys)
    case .control:
      break
    }
  }

  /// Whether the first queued record can be applied; if not, asks for what it and the records behind it need.
  private mutating func collectMissing() -> Bool {
    var missing: [EntityKey] = []
    for (place, delivery) in queue.enumerated() {
      if case .record(let record) = delivery.content {
        for entry in record.entries { collectMissing(for: entry, into: &missing) }
      }
      if place == 0, missing.isEmpty { return true }
      if missing.count >= limits.loadKeysMax { break }
    }
    request(missing)
    isBlocked = true
    return false
  }

  private mutating func request(_ keys: [EntityKey]) {
    for key in keys where requested.insert(key).inserted { toLoad.append(key) }
  }

  /// The keys to load now, in one query; empty while a load is under way or nothing is missing.
  public mutating func keysToLoad() -> [EntityKey] {
    guard status == .running, !toLoad.isEmpty, underLoad.isEmpty else { return [] }
    counters.loads += 1
    swap(&underLoad, &toLoad)
    return underLoad
  }

  /// Takes over what the store said about the keys of the last load; a nil value does not exist there.
  public mutating func loaded(_ rows: [EntityChange], into effects: inout Effects) {
    endLoad()
    for row in rows {
      if case .idempotency(let key) = row.key {
        if case .idempotency(let record)? = row.value {
          idempotency.install(key, record)
        } else {
          idempotency.install(key, nil)
        }
      } else {
        machine.install(row.key, row.value)
      }
    }
    let reads = waitingReads
    waitingReads = []
    for read in reads where !answer(read.query, read.request, into: &effects) {
      wait(read.query, read.request)
    }
  }

  /// Says that the load failed; whatever still needs its keys asks again.
  public mutating func loadFailed() {
    endLoad()
    let reads = waitingReads
    waitingReads = []
    for read in reads { wait(read.query, read.request) }
  }

  private mutating func endLoad() {
    requested.subtract(underLoad)
    underLoad = []
    isBlocked = false
  }

  // MARK: Reads

  /// Answers a read from memory, or remembers it until its entity is loaded.
  public mutating func read(_ query: Query, for request: RequestID, into effects: inout Effects) -> ReadResult {
    guard case .running = status else { return .refused }
    if answer(query, request, into: &effects) { return .answered }
    guard waitingReads.count < limits.waitingReadsMax else { return .refused }
    wait(query, request)
    return .waiting
  }

  private mutating func answer(_ query: Query, _ request: RequestID, into effects: inout Effects) -> Bool {
    guard machine.missing(for: query) == nil else { return false }
    let (view, position) = machine.view(of: query)
    effects.answers.append(.init(request: request, view: view, revealedAt: position))
    return true
  }

  private mutating func wait(_ query: Query, _ request: RequestID) {
    guard let key = machine.missing(for: query) else { return }
    waitingReads.append(WaitingRead(request: request, query: query))
    self.request([key])
  }

  /// Gives up the commands that were delivered and will not be applied; for a partition that stops. Returns who waits.
  public func unappliedCommands() -> [RequestID] {
    guard status != .running else { return [] }
    return queue.enumerated().flatMap { place, delivery in
      delivery.requests(from: place == 0 ? nextEntry : 0)
    }
  }

  /// Gives up the reads that wait; for a partition that stops.
  public mutating func takeWaitingReads() -> [RequestID] {
    defer { waitingReads = [] }
    return waitingReads.map(\.request)
  }

  // MARK: Checkpoints and eviction

  public var residentCount: Int { machine.residentCount + idempotency.residentCount }
  public var dirtyCount: Int { machine.dirtyCount + idempotency.dirtyCount }
  /// Whether so much is dirty that new commands have to wait for a checkpoint.
  public var isDirtyBoundReached: Bool { dirtyCount >= limits.dirtyMax }
  /// Whether so much is dirty that a checkpoint should not wait for its interval.
  public var isCheckpointDue: Bool { dirtyCount >= limits.checkpointEntitiesDue }
  /// Whether a checkpoint is taken or being written.
  public var isCheckpointing: Bool { if case .idle = checkpoint { false } else { true } }
  /// Whether the store lacks something that was applied.
  public var isBehind: Bool { appliedOffset > checkpointedOffset }

  /// Takes a checkpoint of everything applied so far, to be written once the log allows it. Returns whether it did:
  /// not while one is under way, nor between two entries of a record, nor when nothing happened since the last.
  @discardableResult
  public mutating func takeCheckpoint() -> Bool {
    guard case .idle = checkpoint, status == .running, nextEntry == 0, isBehind, !hasUnappended else {
      return false
    }
    var changes: [EntityChange] = []
    changes.reserveCapacity(dirtyCount)
    machine.takeChanges { key, value in changes.append(EntityChange(key: key, value: value)) }
    idempotency.takeChanges { key, record in
      changes.append(EntityChange(key: .idempotency(key), value: record.map(Entity.idempotency)))
    }
    let header = CheckpointHeader(
      partition: partition, offset: appliedOffset, now: now, rulesVersion: rulesVersion, dedup: dedup.rows,
      ledger: machine.ledger)
    checkpoint = .taken(CheckpointBatch(header: header, changes: changes), settledAt)
    return true
  }

  /// The checkpoint that was taken, once the log is durable up to everything that it rests on.
  public mutating func checkpointToWrite(durable: LogPosition) -> CheckpointBatch? {
    guard case .taken(let batch, let position) = checkpoint, position <= durable else { return nil }
    checkpoint = .writing(offset: batch.header.offset)
    return batch
  }

  /// Says whether the store has the checkpoint that `checkpointToWrite` handed out.
  public mutating func checkpointEnded(isWritten: Bool) {
    guard case .writing(let offset) = checkpoint else { return }
    checkpoint = .idle
    machine.checkpointEnded(isWritten: isWritten)
    idempotency.checkpointEnded(isWritten: isWritten)
    if isWritten {
      checkpointedOffset = offset
      counters.checkpoints += 1
    } else {
      counters.checkpointsFailed += 1
    }
  }

  /// Forgets clean entities while more are resident than should be. Call it between steps.
  ///
  /// A key that is being loaded is kept: the load's answer may be older than what would be forgotten.
  public mutating func evict() {
    let excess = residentCount - limits.residentMax
    guard excess > 0 else { return }
    var evicted = machine.evict(excess: excess, scanMax: limits.evictionScanMax, keeping: requested)
    evicted += idempotency.evict(excess: excess - evicted, scanMax: limits.evictionScanMax) {
      requested.contains(.idempotency($0))
    }
    counters.evictions += UInt64(evicted)
  }

  // MARK: Inspection

  /// Every resident entity that exists, in no particular order; expired idempotency records are left out.
  public func forEachEntity(_ body: (EntityKey, Entity) -> Void) {
    machine.forEach(body)
    idempotency.forEach { key, record in
      if record.expiry > now { body(.idempotency(key), .idempotency(record)) }
    }
  }

  /// Stops, and gives up a checkpoint that waits for the log: what it rests on may never be durable.
  private mutating func abandon(at offset: Int64, _ reason: String) {
    stop(at: offset, reason)
    guard case .taken = checkpoint else { return }
    checkpoint = .idle
    machine.checkpointEnded(isWritten: false)
    idempotency.checkpointEnded(isWritten: false)
  }

  private mutating func stop(at offset: Int64, _ reason: String) {
    guard case .running = status else { return }
    status = .stopped(offset: offset, reason: reason)
  }
}
