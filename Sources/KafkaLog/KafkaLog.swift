import CRdKafka
import EventLog
import Lanes
import Model
import Synchronization
import Threads

/// The log in Apache Kafka: one topic for each service, one partition for each of its partitions.
///
/// A record's offset is known only when a broker has acknowledged it, and it comes back to its owner only then. So
/// everything delivered is durable, answers never wait here, and a `LogPosition` counts messages alone: it is what
/// a checkpoint waits for, and a command that nobody acknowledges holds up none.
///
/// * **Commands** go through one idempotent producer with a time limit. One that runs out is *unknown*
///   (`LogOwner.commandsUnknown`).
/// * **Messages** go through another, gapless and without a limit. When it loses one all the same, it is replaced at
///   once; the partitions whose messages it still had are handed `Delivery.Content.broken`, and what they append is
///   dropped until they are subscribed again from their checkpoints (`LostMessages`).
/// * **Records** are read by one consumer that is in no group, each owner's into a queue of its own that its lane
///   watches. Membership is apart from it (`KafkaMember`), so a rebalance interrupts no reading.
///
/// The first owner that comes also takes the delivery reports, in batches, on its lane.
public final class KafkaLog: EventLog {
  public let options: KafkaOptions
  let state: Mutex<State>
  let durableNumber = Atomic<UInt64>(0)
  let reportsWake: WakeDescriptor
  let report: @Sendable (KafkaEvent) -> Void

  struct State: Sendable {
    var pending = PendingAppends()
    var prefix = AcknowledgedPrefix()
    var lost = LostMessages()
    /// nil once closed.
    var commands: KafkaProducer?
    var messages: KafkaProducer?
    var reader: KafkaReader?
    var nextGeneration: UInt32 = 2
    /// The first one takes the reports.
    var inboxes: [KafkaInbox] = []
    /// By slot: who reads the partition.
    var routes: [KafkaInbox?]
    /// By slot: what the brokers told.
    var bounds: [LogBounds?]
    /// By slot: the newest offset that no owner needs any more.
    var trimmedThrough: [Int64]
    /// Owners that get nothing until messages are acknowledged.
    var isHeldBack = false
    var failure: LogFailure?
    /// End producers that were replaced; `close` waits for them.
    var ending: [BackgroundThread] = []
    var statistics = Statistics()
  }

  /// What the log has done since it was opened.
  public struct Statistics: Hashable, Sendable {
    public var recordsAcknowledged: UInt64 = 0
    public var reportBatches: UInt64 = 0
    public var commandsUnknown: UInt64 = 0
    public var messagesLost: UInt64 = 0
    public var producersReplaced: UInt64 = 0
    /// Records that are sent and not reported on.
    public var recordsPending = 0
    public var messagesPending = 0
    public var bytesPending = 0
  }

  /// Makes the clients. Waits for no broker: they connect by themselves, and go on trying for ever.
  ///
  /// - Parameter report: called on any thread, must not block.
  /// - Throws: `LogFailure` when the options or properties make no sense.
  public init(options: KafkaOptions, report: @escaping @Sendable (KafkaEvent) -> Void) throws(LogFailure) {
    if let contradiction = options.contradiction { throw LogFailure(.settings, contradiction) }
    self.options = options
    self.report = report
    reportsWake = try WakeDescriptor()
    let slots = options.partitioner.count * Service.allCases.count
    let commands = try KafkaProducer(options, isGapless: false, generation: 0, wake: reportsWake)
    let messages = try KafkaProducer(options, isGapless: true, generation: 1, wake: reportsWake)
    let reader = try KafkaReader(options, wake: reportsWake)
    state = Mutex(
      State(
        commands: commands, messages: messages, reader: reader, routes: Array(repeating: nil, count: slots),
        bounds: Array(repeating: nil, count: slots), trimmedThrough: Array(repeating: -1, count: slots)))
  }

  deinit { close() }

  func slot(of partition: PartitionID) -> Int? { partition.slot(of: options.partitioner.count) }

  // MARK: Owners

  /// Has a lane woken for its owner: for what is delivered to it, and for the reports if it is the first. On the lane,
  /// or before it starts; the lane must end before the log is closed.
  ///
  /// A pod that only accepts requests attaches its lanes too, for the reports on its commands.
  public func attach(_ owner: any LogOwner, to lane: Lane) throws {
    let (inbox, isFirst) = try inbox(for: owner)
    _ = try lane.watch(inbox.wake.descriptor, for: .readable) { _ in inbox.wake.clear() }
    guard isFirst else { return }
    let wake = reportsWake
    _ = try lane.watch(wake.descriptor, for: .readable) { _ in wake.clear() }
  }

  /// The owner's inbox, and whether it is the one that takes the reports.
  func inbox(for owner: any LogOwner) throws(LogFailure) -> (KafkaInbox, isFirst: Bool) {
    try state.withLock { state throws(LogFailure) in
      if let place = state.inboxes.firstIndex(where: { $0.owner === owner }) {
        return (state.inboxes[place], place == 0)
      }
      guard let reader = state.reader else { throw state.failure ?? Self.closed }
      let inbox = try KafkaInbox(owner, reader, partitionCount: options.partitioner.count)
      state.inboxes.append(inbox)
      return (inbox, state.inboxes.count == 1)
    }
  }

  static let closed = LogFailure(.closed, "the log in Kafka is closed")

  var owners: [any LogOwner] { state.withLock { $0.inboxes.map(\.owner) } }

  // MARK: EventLog: facts

  public var durable: LogPosition { LogPosition(durableNumber.load(ordering: .acquiring)) }

  public var failure: LogFailure? { state.withLock { $0.failure } }

  public var statistics: Statistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.recordsPending = state.pending.count
      statistics.messagesPending = state.pending.messageCount
      statistics.bytesPending = state.pending.byteCount
      return statistics
    }
  }

  /// As far as is known: told by `readBounds`, by acknowledgements and by what was read.
  public func nextOffset(of partition: PartitionID) -> Int64 {
    guard let slot = slot(of: partition) else { return 0 }
    return state.withLock { max($0.bounds[slot]?.next ?? 0, $0.routes[slot]?.next(of: partition) ?? 0) }
  }

  /// Retention removes records by their age, whoever needs them; this is kept for `margins`.
  public func trim(_ partition: PartitionID, through offset: Int64) {
    guard let slot = slot(of: partition) else { return }
    state.withLock { $0.trimmedThrough[slot] = max($0.trimmedThrough[slot], offset) }
  }

  public func isOccupied(by owner: any LogOwner) -> Bool { state.withLock { $0.pending.count(of: owner) > 0 } }

  /// Nothing waits for a hint: the producers send by themselves.
  public func flushHint(by owner: (any LogOwner)?) {}

  // MARK: EventLog: taking

  public func takeDeliveries(of owner: any LogOwner, recordsMax: Int) -> [Delivery] {
    let (inbox, isFirst, isHeldBack) = state.withLock { state -> (KafkaInbox?, Bool, Bool) in
      guard let place = state.inboxes.firstIndex(where: { $0.owner === owner }) else { return (nil, false, false) }
      let isHeldBack = state.pending.messageCount >= options.queuedRecordsMax
      state.isHeldBack = state.isHeldBack || isHeldBack
      return (state.inboxes[place], place == 0, isHeldBack)
    }
    guard let inbox else { return [] }
    if isFirst { takeReports(by: owner) }
    var taken = isHeldBack ? KafkaInbox.Taken() : inbox.take(recordsMax: max(recordsMax, 1))
    let broken = inbox.takeBroken()
    if !broken.isEmpty {
      tell(broken.map(\.partition))
      taken.deliveries += broken
    }
    for event in taken.events { report(event) }
    if taken.hasMore { owner.deliveriesArrived() }
    return taken.deliveries
  }

  // MARK: The end

  /// Waits for the reports on what was appended, at most `closeTimeoutMilliseconds`, and ends the clients. Messages
  /// that are not acknowledged by then are sent again by the next owner.
  public func close() {
    let isFirst = state.withLock { state in
      defer { state.failure = state.failure ?? Self.closed }
      return state.commands != nil
    }
    guard isFirst else { return }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.closeTimeoutMilliseconds)
    while state.withLock({ $0.pending.count }) > 0, clock.now < deadline {
      takeReports()
      reportsWake.wait(milliseconds: 20)
    }
    let owners = owners
    // The queues go before the client that they are of.
    let ending = state.withLock { state in
      defer { state.ending = [] }
      state.routes = Array(repeating: nil, count: state.routes.count)
      state.inboxes = []
      (state.commands, state.messages, state.reader) = (nil, nil, nil)
      return state.ending
    }
    for thread in ending { thread.join() }
    for owner in owners { owner.durabilityChanged() }
  }
}
