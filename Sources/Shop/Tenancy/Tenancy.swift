import Model
import PartitionCore
import Streams

/// The life of one partition with one owner, as a value without threads, clocks or I/O.
///
/// Only the owner of a partition writes to its log; everybody else asks the owner, over densely numbered streams. The
/// owner applies its inputs at once, logs them as one record a turn, and withholds everything they cause until the
/// record is confirmed. Lanes and the simulator drive this machine; neither imitates it.
///
/// ```
///            own Owned read              predecessor released, or its lease has passed
/// replaying ───────────────► waiting ─────────────────────────────────────────────────► serving
///                               └──────────── a successor is known, or it is to leave ─────┤
///                                                                                       leaving
///      any ──────────────────────────────────────────────────────────────► ended (final) ◄─┘
/// ```
///
/// **A turn** (`turn`) takes what is queued, as long as its keys are resident: messages first, because they carry
/// checkouts that others wait for. The record names the tenure and the next number of the partition.
///
/// **An append is confirmed** (`confirmed`) when the log put it at the offset it had to get: then nobody else wrote
/// in between. Otherwise, and when its fate is unknown, the log is read back from that offset (`readBack`). Either
/// the record is found there unchanged, or another owner is, or neither: then the identical bytes are appended
/// again.
///
/// **Three things make the result exactly-once:** a receiver admits only the next number of each stream
/// (`ReceivedNumbers`), the log's readers count each record number once (`RecordFilter`), and both are checkpointed
/// together with the state and with the messages that nobody has acknowledged yet.
public struct Tenancy<Machine: StateMachine>: Sendable {
  public enum Phase: Hashable, Sendable {
    /// Reads the log up to its own `Owned`. Can transition to: waiting, serving, ended.
    case replaying
    /// The predecessor may still answer reads: inputs are applied and logged, but nothing is revealed. `since` is when
    /// its own `Owned` was read. Can transition to: serving, leaving, ended.
    case waiting(since: Int64)
    /// Can transition to: leaving, ended.
    case serving
    /// Begins nothing more; ends when nothing is under way. Can transition to: ended.
    case leaving(to: OwnerID?)
    /// Final.
    case ended(TenancyEnd)
  }

  public let partition: PartitionID
  public let owner: OwnerID
  public internal(set) var phase = Phase.replaying
  let mode: LogMode
  let limits: TenancyLimits
  let planted: TenancyBug?
  /// The bounds the owner is configured with; it logs them when it decides under others.
  let wantedLimits: RuleLimits
  /// The newest rules that all live pods know; it logs them when it follows older ones.
  public var wantedRules: UInt32

  /// Partitions known not to serve: nothing is begun that only they could end.
  public var unserved: Set<PartitionID> = []

  public internal(set) var state: AppliedState<Machine>
  public internal(set) var received: ReceivedNumbers
  var outbox: Outbox
  var filter: RecordFilter
  let quarantined: Set<UInt64>

  /// The number of the newest record that was applied.
  public internal(set) var number: UInt64
  /// The owner that gave the partition up with that record.
  var releasedBy: OwnerID?
  /// The number of the newest durable record, and its offset.
  public internal(set) var confirmed: (number: UInt64, offset: Int64)
  /// Where the next append has to land.
  var expectedOffset: Int64
  /// This owner's newest record known to be durable: its offset, and its number; nil for `Owned`.
  var anchor: (offset: Int64, number: UInt64?) = (-1, nil)

  // Taking over.
  var replay = ReplayQueue()
  /// The newest owner before this one, and whether it said that it answers nothing more.
  var predecessor: (owner: OwnerID, isGone: Bool)?
  /// The predecessor's word, if it came before the replay's end.
  var releasedEarly: OwnerID?

  // Inputs.
  var messages = FIFO<Inbound>()
  var commands = FIFO<Inbound>()
  /// From the partition's ingest log.
  var ingested = FIFO<LoggedInput>()
  /// What other partitions of the process hold leaves no room for commands that can wait.
  public var isIngestHeld = false
  /// Old orders that the owner wants removed.
  var sweepPhase = SweepPhase.none
  /// The highest number of each source that is queued or applied, if it is above what was applied.
  var queuedThrough: NumbersBySource
  /// The highest number of each source that is durable.
  var durableThrough: NumbersBySource
  /// This many more inputs are logged before they are applied.
  var cautiousLeft = 0

  // Appends.
  var unconfirmed = FIFO<UnconfirmedAppend>()
  /// The newest of them is applied only once durable.
  var isNewestCautious = false
  /// Confirmed, but withheld until the predecessor's end.
  var held: [UnconfirmedAppend] = []
  var settling: Settling?
  var isReleaseLogged = false
  var abandoned = AbandonedRequests()

  // Reads.
  var lease: Lease
  var waitingReads: [WaitingRead] = []
  /// Answers that show what is not durable yet.
  var withheldAnswers: [WithheldAnswer] = []
  var wantsTick = false

  /// Why the partition stops if its owner was not replaced, and the append that decides it.
  var suspicion: (reason: String, provenBy: UInt64)?

  // The store.
  var loads = KeyLoads()
  var checkpoint = CheckpointPhase.idle
  public internal(set) var checkpointedNumber: UInt64
  /// Replies that no pod has received yet, oldest first.
  var replies = UnreceivedReplies()
  /// Refusals of commands from the ingest log that are not in the topic of refused ones yet.
  var refusals = UnreceivedReplies()

  /// A record that was appended but is not known to be durable.
  struct UnconfirmedAppend: Sendable {
    let record: TurnRecord
    let sentAt: Int64
    /// It is applied only once durable.
    let isCautious: Bool
    var effects = TurnEffects()
  }

  /// What a record causes, withheld.
  struct TurnEffects: Sendable {
    var messages: [(destination: PartitionID, message: Message)] = []
    var replies: [CommandReply] = []
    /// The newest number of each source in the record.
    var admitted: [(source: StreamSource, number: UInt64)] = []

    /// Makes room for what this many inputs cause.
    mutating func reserveCapacity(_ inputs: Int) {
      messages.reserveCapacity(2 * inputs)
      replies.reserveCapacity(inputs)
      admitted.reserveCapacity(inputs)
    }
  }

  struct WaitingRead: Sendable {
    let query: Query
    let request: RequestID
    /// An append with this number or a higher one, sent after the read arrived, proves that nobody else answers.
    let provenBy: UInt64
  }

  struct WithheldAnswer: Sendable {
    let number: UInt64
    let request: RequestID
    let view: View
  }

  /// The log is being read back, because of the oldest unconfirmed append.
  struct Settling: Sendable {
    var nextOffset: Int64
    /// When the log was last seen to end too early, and for how long so far, in milliseconds.
    var shrunken: (seenAt: Int64, milliseconds: Int64)?
  }

  enum CheckpointPhase: Sendable {
    /// Can transition to: taken.
    case idle
    /// Waits until its newest record is durable. Can transition to: writing.
    case taken(CheckpointBatch)
    /// Is with the store. Can transition to: idle.
    case writing(number: UInt64)
  }

  /// Starts from what the store gave this owner together with its epoch.
  ///
  /// The shell appends this owner's `.owned`, and passes the log from the checkpoint's offset on to `deliver`.
  public init(
    partition: PartitionID, owner: OwnerID, partitioner: Partitioner, mode: LogMode, limits: TenancyLimits,
    wantedLimits: RuleLimits, wantedRules: UInt32, recovery: Recovery, planted: TenancyBug? = nil
  ) {
    self.partition = partition
    self.owner = owner
    self.mode = mode
    self.limits = limits
    self.wantedLimits = wantedLimits
    self.wantedRules = wantedRules
    self.planted = planted
    quarantined = Set(recovery.quarantined.map { UInt64(clamping: $0) })
    let header = recovery.header
    state = AppliedState(
      partition: partition, partitioner: partitioner, firstRules: Rules.oneWriter, header: header,
      pinned: recovery.pinned)
    received = ReceivedNumbers(
      partitionCount: partitioner.count, sessionLifeMilliseconds: limits.stream.sessionLifeMilliseconds)
    received.restore(header?.received ?? [])
    queuedThrough = NumbersBySource(partitionCount: partitioner.count)
    durableThrough = queuedThrough
    outbox = Outbox(of: partition, partitionCount: partitioner.count, limits.stream)
    let outboxFlaw = outbox.restore(header?.caused ?? [], recovery.outbox)
    filter = RecordFilter(owner: header?.owner, number: header?.number ?? 0, planted: planted)
    number = header?.number ?? 0
    releasedBy = header?.isReleased == true ? header?.owner : nil
    confirmed = (number, header?.offset ?? -1)
    checkpointedNumber = number
    expectedOffset = confirmed.offset + 1
    predecessor = header?.owner.map { ($0, header?.isReleased ?? false) }
    lease = Lease(milliseconds: limits.leaseMilliseconds, planted: planted)
    for reply in recovery.replies { keep(reply) }
    if let flaw = state.flaw(of: recovery.pinned) ?? outboxFlaw { end(.stopped(number: number, reason: flaw)) }
  }

  // MARK: Its state

  /// Whether inputs are taken: after the replay, until the end.
  public var isAdmitting: Bool {
    switch phase {
    case .waiting, .serving: true
    case .replaying: planted.is(.inputsBeforeReplayEnds)
    case .leaving, .ended: false
    }
  }

  /// Whether anything may be revealed: answers, replies and messages.
  public var mayReveal: Bool {
    switch phase {
    case .serving, .leaving: true
    case .replaying, .waiting, .ended: false
    }
  }

  public var ending: TenancyEnd? { if case .ended(let end) = phase { end } else { nil } }
  public var queuedCount: Int { messages.count + commands.count }
  public var unconfirmedCount: Int { unconfirmed.count }
  /// When the oldest record that the log has not confirmed was first appended, by the owner's clock; nil without one.
  public var unconfirmedSince: Int64? { unconfirmed.first?.sentAt }
  public var unacknowledgedCount: Int { outbox.unacknowledgedCount }
  public var ruleLimits: RuleLimits { state.ruleLimits }

  mutating func end(_ end: TenancyEnd) {
    if case .ended = phase { return }
    phase = .ended(end)
    abandon()
    messages = FIFO()
    commands = FIFO()
    ingested = FIFO()
    sweepPhase = .none
    unconfirmed = FIFO()
    held = []
    settling = nil
    withheldAnswers = []
    loads = KeyLoads()
    // An owner that left in order still has to write it.
    if case .taken = checkpoint, end != .left { checkpoint = .idle }
  }

  /// Notes which requests end with the tenure, if nobody else sends them again.
  private mutating func abandon() {
    for append in unconfirmed.all + held {
      abandoned.unknown += append.effects.replies.map(\.request)
      for entry in append.record.entries where entry.origin == nil {
        guard case .command(let command) = entry.body, !command.request.isSweep else { continue }
        abandoned.unknown.append(command.request)
      }
    }
    if !mode.isShared { abandoned.untaken += withheldAnswers.map(\.request) }
    for inbound in commands.all where inbound.origin == nil {
      if case .command(let command, _) = inbound.input { abandoned.untaken.append(command.request) }
    }
  }

  /// Takes the requests that ended with the tenure and that nobody sends again.
  public mutating func takeAbandoned() -> AbandonedRequests {
    defer { abandoned = AbandonedRequests() }
    return abandoned
  }

  /// Gives up this tenure, to have the partition acquired again.
  mutating func lose(_ loss: Loss) { end(.lost(loss, epochAbove: filter.owner?.epoch ?? 0)) }
}
