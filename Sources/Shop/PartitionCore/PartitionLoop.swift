import Model

/// Everything that the owner of one partition decides, as a value without threads, clocks or I/O.
///
/// The shell (`PartitionRuntime`, or the simulator) feeds it events — records of the log, loaded entities, reads,
/// the end of a checkpoint — and performs what it asks for: messages to append, replies to send, keys to load, a
/// checkpoint to write. Entries are applied strictly in log order; if one needs a key that is not resident, the
/// partition waits for one load of everything its queue is known to need.
///
/// Exactly-once rests on three rules that are found here and nowhere else:
/// 1. a message that is not newer than the newest seen from its source is dropped (`Dedup`);
/// 2. state, dedup table and offset are checkpointed together (`CheckpointBatch`);
/// 3. a checkpoint is handed out only when the log is durable up to every record that it includes and every message
///    that those records caused (`checkpointToWrite`), so what the store holds never has to be sent again.
public struct PartitionLoop<Machine: StateMachine>: Sendable {
  public let partition: PartitionID
  public internal(set) var status: PartitionStatus = .running
  var state: AppliedState<Machine>
  /// The offset of the newest record applied whole; -1 before the first.
  public private(set) var appliedOffset: Int64
  public internal(set) var counters = PartitionCounters()
  /// The owner's standing, where partitions change owners; nil where nobody else can have one.
  public var tenure: Tenure?
  public var machine: Machine { state.machine }
  /// The bounds that the partition decides under, from its log.
  public var ruleLimits: RuleLimits { state.ruleLimits }

  let limits: CoreLimits
  /// Offsets of records in which what cannot be applied is left out.
  private let quarantined: Set<Int64>
  var dedup: Dedup

  /// Records that were delivered but not applied whole; entries of the first one up to `nextEntry` were applied.
  var queue = RecordQueue()
  var nextEntry = 0
  /// The offset of the newest record that was delivered.
  private var deliveredOffset: Int64
  /// Messages that the record at the head of the queue has sent so far.
  private var nextMessageIndex: UInt32 = 0

  /// Keys to ask for next, and keys asked for in the load that is under way; `requested` is both.
  var toLoad: [EntityKey] = []
  var underLoad: [EntityKey] = []
  var requested: Set<EntityKey> = []
  /// The record at the head of the queue waits for a load.
  var isBlocked = false
  var waitingReads: [WaitingRead] = []
  /// Replies that may not leave before the predecessor stops answering.
  var held: [Effects.WithheldReply] = []

  var checkpoint = CheckpointPhase.idle
  /// The position in the log after everything applied, and after every message that it caused.
  var settledAt = LogPosition.zero
  /// Messages that were put out but are not in the log yet.
  var hasUnappended = false
  /// The offset of the newest checkpoint that was written.
  public internal(set) var checkpointedOffset: Int64

  enum CheckpointPhase: Sendable {
    /// Can transition to: taken.
    case idle
    /// Waits until the log is durable up to the position. Can transition to: writing.
    case taken(CheckpointBatch, LogPosition)
    /// Is with the store. Can transition to: idle.
    case writing(offset: Int64)
  }

  struct WaitingRead: Sendable {
    let request: RequestID
    let query: Query
  }

  /// Starts from what the store holds.
  public init(partition: PartitionID, partitioner: Partitioner, limits: CoreLimits, recovery: Recovery) {
    self.partition = partition
    self.limits = limits
    quarantined = recovery.quarantined
    state = AppliedState(
      partition: partition, partitioner: partitioner, firstRules: Rules.oldest, header: recovery.header,
      pinned: recovery.pinned)
    dedup = Dedup(partitionCount: partitioner.count)
    let header = recovery.header
    appliedOffset = header?.offset ?? -1
    deliveredOffset = appliedOffset
    checkpointedOffset = appliedOffset
    dedup.restore(header?.dedup ?? [])
    if let flaw = state.flaw(of: recovery.pinned) { stop(at: appliedOffset, flaw) }
  }

  // MARK: Records

  /// Takes the next record of the log.
  ///
  /// A record delivered before is dropped; a gap stops the partition, and so does a broken log.
  public mutating func deliver(_ delivery: Delivery) {
    if case .broken(let reason) = delivery.content { return abandon(at: delivery.offset, reason) }
    if case .stopped = status { return lookForSuccessor(in: delivery) }
    guard case .running = status, delivery.offset > deliveredOffset else { return }
    guard delivery.offset == deliveredOffset + 1 else {
      stop(at: delivery.offset, "a gap in the log: expected offset \(deliveredOffset + 1)")
      return
    }
    deliveredOffset = delivery.offset
    queue.append(delivery)
  }

  /// Whether a message is new.
  public func awaits(_ message: PartitionMessage) -> Bool { dedup.isNew(message) }

  /// How many entries of the record after `appliedOffset` were applied: those before the one at which a stopped
  /// partition stopped.
  public var appliedEntries: Int { nextEntry }

  /// Records that were delivered but not yet applied.
  public var queuedRecords: Int { queue.count }

  /// Whether commands wait for a load: order is kept, so nothing after them is applied either.
  public var awaitsLoad: Bool { status == .running && isBlocked }

  /// Whether another `step` has something to do before the next event.
  public var canStep: Bool { status == .running && !queue.isEmpty && !isBlocked }

  /// Applies queued records until the queue is empty, the step's bound is reached, or a key must be loaded.
  public mutating func step(into effects: inout Effects) {
    var entries = 0
    let replies = effects.replies.count
    defer { holdBack(from: replies, of: &effects) }
    defer { hasUnappended = hasUnappended || !effects.messages.isEmpty }
    while canStep, entries < limits.stepEntriesMax, let delivery = queue.first {
      switch delivery.content {
      case .broken(let reason):
        abandon(at: delivery.offset, reason)
      case .undecodable(let reason):
        guard quarantined.contains(delivery.offset) else {
          stop(at: delivery.offset, "the record cannot be decoded: \(reason)")
          return
        }
        applied(delivery)
      case .record(let record):
        if nextEntry == 0, !collectMissing() { return }
        guard apply(record, of: delivery, into: &effects, counting: &entries) else { return }
        applied(delivery)
      }
    }
  }

  /// Moves on to the next record.
  private mutating func applied(_ delivery: Delivery) {
    settledAt = max(settledAt, delivery.position)
    appliedOffset = delivery.offset
    counters.recordsApplied += 1
    nextEntry = 0
    nextMessageIndex = 0
    queue.removeFirst()
  }

  /// Gives up the commands that were delivered but will not be applied; for a partition that stops. Returns who
  /// waits.
  public func unappliedCommands() -> [RequestID] {
    guard status != .running else { return [] }
    return queue.enumerated().flatMap { place, delivery in
      delivery.requests(from: place == 0 ? nextEntry : 0)
    }
  }

  /// Notes that everything put out so far is in the log up to `position`.
  public mutating func appended(upTo position: LogPosition) {
    settledAt = max(settledAt, position)
    hasUnappended = false
  }

  /// Applies the rest of a record. Returns false if it could not be finished.
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
      // Whatever a poisonous entry changed before it was found out is undone with it.
      let whole = quarantined.contains(delivery.offset) ? self : nil
      state.advance(to: entry.time)
      let before = (messages: effects.messages.count, replies: effects.replies.count, index: nextMessageIndex)
      do throws(Poison) {
        try apply(entry, of: delivery, into: &effects)
      } catch {
        // Nothing of it gets out: when it is quarantined, the entries after it put out what comes next.
        effects.messages.removeLast(effects.messages.count - before.messages)
        effects.replies.removeLast(effects.replies.count - before.replies)
        nextMessageIndex = before.index
        guard let whole, entry.body.isData else {
          stop(at: delivery.offset, "entry \(nextEntry): \(error.reason)")
          return false
        }
        self = whole
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
    let place = RecordPlace(offset: delivery.offset, position: delivery.position)
    switch entry.body {
    case .command(let command):
      try state.apply(command, at: place, nextIndex: &nextMessageIndex, into: &effects)
    case .message(let message):
      if try isNew(message) {
        try state.apply(message.message, at: place, nextIndex: &nextMessageIndex, into: &effects)
      }
    case .control: break
    }
  }

  private mutating func apply(_ control: Control, at offset: Int64) throws(Poison) {
    try state.apply(control)
    switch control {
    case .rules, .limits: break
    case .owned, .released, .tick:
      tenure?.read(control)
      if case .superseded(let epoch) = tenure?.phase { status = .superseded(offset: offset, by: epoch) }
    }
  }

  private mutating func isNew(_ message: PartitionMessage) throws(Poison) -> Bool {
    guard let isNew = dedup.admit(message) else {
      throw Poison("a message from \(message.source), a partition that does not exist")
    }
    if !isNew { counters.dedupDrops += 1 }
    return isNew
  }

  /// Ends, and gives up a checkpoint that waits for the log: what it rests on may never be durable.
  mutating func abandon(at offset: Int64, _ reason: String) {
    switch status {
    case .running: status = .broken(offset: offset, reason: reason)
    case .stopped where tenure != nil: status = .broken(offset: offset, reason: reason)
    case .stopped, .broken, .superseded: break
    }
    guard case .taken = checkpoint else { return }
    checkpoint = .idle
    state.checkpointEnded(isWritten: false)
  }

  mutating func stop(at offset: Int64, _ reason: String) {
    guard case .running = status else { return }
    status = .stopped(offset: offset, reason: reason)
    // Some of it may have been delivered already.
    for (place, delivery) in queue.enumerated() { lookForSuccessor(in: delivery, from: place == 0 ? nextEntry : 0) }
  }
}
