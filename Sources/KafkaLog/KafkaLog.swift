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
  private let durableNumber = Atomic<UInt64>(0)
  private let reportsWake: WakeDescriptor
  private let report: @Sendable (KafkaEvent) -> Void

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

  func slot(of partition: PartitionID) -> Int? {
    guard Int(partition.index) < options.partitioner.count else { return nil }
    return Int(partition.service.rawValue) * options.partitioner.count + Int(partition.index)
  }

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

  /// Nothing waits for a hint: the producers send by themselves.
  public func flushHint(by owner: (any LogOwner)?) {}

  // MARK: EventLog: appending

  public func append(_ appends: [Append], by owner: (any LogOwner)?) throws(LogRefusal) -> LogPosition {
    var appends = appends
    while true {
      let frames = RecordFrame.make(appends, bytesMax: options.recordBytesMax)
      switch try reserve(frames, by: owner) {
      case .reserved(let reservation):
        send(frames, reservation)
        return reservation.position
      case .stopped(let sources):
        // What a stopped partition says now would shadow what it has to say again.
        appends = appends.map { Self.without(sources, $0) }.filter { !$0.record.entries.isEmpty }
      }
    }
  }

  private static func without(_ sources: Set<PartitionID>, _ append: Append) -> Append {
    Append(
      partition: append.partition, record: append.record.without(sources), isRefusable: append.isRefusable)
  }

  private struct Reservation {
    var tags: [UInt] = []
    var position = LogPosition.zero
    var commands: KafkaProducer?
    var messages: KafkaProducer?
  }

  private enum Reserving {
    case reserved(Reservation)
    /// Messages of these partitions must not go out.
    case stopped(Set<PartitionID>)
  }

  private func reserve(_ frames: [RecordFrame], by owner: (any LogOwner)?) throws(LogRefusal) -> Reserving {
    try state.withLock { state throws(LogRefusal) in
      guard state.failure == nil, let commands = state.commands, let messages = state.messages,
        frames.allSatisfy({ slot(of: $0.partition) != nil })
      else { throw .unavailable }
      if !state.lost.stopped.isEmpty {
        let stopped = state.lost.stopped.intersection(frames.reduce(into: []) { $0.formUnion($1.record.sources) })
        if !stopped.isEmpty { return .stopped(stopped) }
      }
      let isBehind =
        state.pending.count >= options.queuedRecordsMax || state.pending.byteCount >= options.queuedBytesMax
      if isBehind, !frames.contains(where: \.isMessage) { throw .backlog }
      var reservation = Reservation(commands: commands, messages: messages)
      reservation.tags.reserveCapacity(frames.count)
      for frame in frames {
        let number = frame.isMessage ? state.prefix.next() : 0
        reservation.tags.append(
          state.pending.add(
            .init(
              partition: frame.partition, record: frame.record, owner: owner, number: number,
              byteCount: frame.bytes.count,
              generation: frame.isMessage ? messages.generation : commands.generation)))
      }
      reservation.position = LogPosition(state.prefix.last)
      return .reserved(reservation)
    }
  }

  private func send(_ frames: [RecordFrame], _ reservation: Reservation) {
    var refused: [DeliveryReport] = []
    // Behind a message that is not taken none may go: its receiver would take it for a repetition later.
    var lost: rd_kafka_resp_err_t?
    for (frame, tag) in zip(frames, reservation.tags) {
      let producer = frame.isMessage ? reservation.messages : reservation.commands
      let code = frame.isMessage && lost != nil ? lost : producer?.send(frame, tag: tag)
      guard let code else { continue }
      if frame.isMessage { lost = code }
      refused.append(DeliveryReport(tag: tag, code: code, offset: -1))
    }
    if !refused.isEmpty { settle(refused) }
  }

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

  /// Notes that the owners of these partitions know that they are stopped.
  private func tell(_ partitions: [PartitionID]) {
    let owners = state.withLock { state -> [any LogOwner] in
      for partition in partitions {
        for number in state.lost.told(partition) { state.prefix.acknowledge(number) }
      }
      return publishDurable(state)
    }
    for owner in owners { owner.durabilityChanged() }
  }

  // MARK: Reports

  /// Takes the producers' delivery reports and errors, as many as there are. The first owner's lane does so on each of
  /// its turns; without an owner somebody has to call it.
  public func takeReports(by owner: (any LogOwner)? = nil) {
    let (producers, reader) = state.withLock { ([$0.commands, $0.messages].compactMap { $0 }, $0.reader) }
    for producer in producers {
      var reports: [DeliveryReport] = []
      var isFatal = false
      while reports.count < options.reportsMax,
        producer.client.nextEvent({ event in
          DeliveryReport.collect(event, into: &reports)
          isFatal = isFatal || KafkaClient.isFatal(event)
          if let news = producer.client.news(event) { report(news) }
        })
      {}
      if !reports.isEmpty { settle(reports, by: owner) }
      if isFatal { replace(producer, "the producer ended: \(producer.client.fatalText)") }
      if reports.count >= options.reportsMax { owner?.deliveriesArrived() }
    }
    reader?.takeNews(report)
  }

  /// Works through reports; `owner` looks at `durable` by itself.
  private func settle(_ reports: [DeliveryReport], by owner: (any LogOwner)? = nil) {
    var failed: [(row: PendingAppends.Row, code: rd_kafka_resp_err_t)] = []
    let (told, woken) = state.withLock { state -> ([any LogOwner], [any LogOwner]) in
      state.statistics.reportBatches += 1
      for report in reports {
        guard let row = state.pending.take(report.tag) else { continue }
        guard report.code == RD_KAFKA_RESP_ERR_NO_ERROR else {
          failed.append((row, report.code))
          continue
        }
        state.statistics.recordsAcknowledged += 1
        if row.isMessage { state.prefix.acknowledge(row.number) }
        note(report.offset, of: row.partition, &state)
      }
      let isReleased = state.isHeldBack && state.pending.messageCount < options.queuedRecordsMax
      if isReleased { state.isHeldBack = false }
      return (publishDurable(state), isReleased ? state.inboxes.map(\.owner) : [])
    }
    for other in told where other !== owner { other.durabilityChanged() }
    for owner in woken { owner.deliveriesArrived() }
    fail(failed)
  }

  /// Notes that the topic has this offset. Under the lock.
  func note(_ offset: Int64, of partition: PartitionID, _ state: inout State) {
    guard offset >= 0, offset < .max, let slot = slot(of: partition) else { return }
    let known = state.bounds[slot]
    if offset >= known?.next ?? 0 { state.bounds[slot] = LogBounds(first: known?.first ?? 0, next: offset + 1) }
  }

  /// Publishes how far everything is acknowledged; returns whom to tell. Under the lock.
  private func publishDurable(_ state: borrowing State) -> [any LogOwner] {
    guard state.prefix.end > durableNumber.load(ordering: .relaxed) else { return [] }
    durableNumber.store(state.prefix.end, ordering: .releasing)
    return state.inboxes.map(\.owner)
  }

  // MARK: Failures

  private func fail(_ failed: [(row: PendingAppends.Row, code: rd_kafka_resp_err_t)]) {
    guard let first = failed.first else { return }
    giveUp(failed.map(\.row).filter { !$0.isMessage }, KafkaLibrary.text(first.code))
    guard let message = failed.first(where: { $0.row.isMessage }) else { return }
    // A gapless producer that lost one message must not send those behind it.
    let producer = state.withLock { state -> KafkaProducer? in
      for (row, _) in failed where row.isMessage { note(lost: row, &state) }
      return state.messages?.generation == message.row.generation ? state.messages : nil
    }
    let reason = "\(message.row.partition) did not take them: \(KafkaLibrary.text(message.code))"
    if let producer { replace(producer, reason) } else { stopSenders(reason) }
  }

  /// Notes a message that no producer has any more. Under the lock.
  private func note(lost row: PendingAppends.Row, _ state: inout State) {
    state.statistics.messagesLost += 1
    let sources = row.record.sources
    if state.lost.lose(row.number, of: sources).isEmpty { state.prefix.acknowledge(row.number) }
  }

  /// Takes a producer out of use and makes another. Short, and rare enough to be done under the lock: nothing may be
  /// appended between the two.
  private func replace(_ producer: KafkaProducer, _ reason: String) {
    let (isReplaced, commands) = state.withLock { state -> (Bool, [PendingAppends.Row]) in
      let current = producer.isGapless ? state.messages : state.commands
      guard current === producer else { return (false, []) }
      producer.abandon()
      let rows = state.pending.takeAll(of: producer.generation)
      for row in rows where row.isMessage { note(lost: row, &state) }
      state.statistics.producersReplaced += 1
      let generation = state.nextGeneration
      state.nextGeneration += 1
      do throws(LogFailure) {
        let next = try KafkaProducer(
          options, isGapless: producer.isGapless, generation: generation, wake: reportsWake)
        if producer.isGapless { state.messages = next } else { state.commands = next }
      } catch {
        state.failure = state.failure ?? error
      }
      return (true, rows.filter { !$0.isMessage })
    }
    guard isReplaced else { return }
    endLater(producer)
    giveUp(commands, reason)
    if producer.isGapless { stopSenders(reason) }
    if failure != nil { for owner in owners { owner.durabilityChanged() } }
  }

  /// Ends a client where its threads may be waited for.
  private func endLater(_ producer: KafkaProducer) {
    let held = Mutex<KafkaProducer?>(producer)
    guard let thread = BackgroundThread("kafka-end", { held.withLock { $0 = nil } }) else { return }
    state.withLock { $0.ending.append(thread) }
  }

  /// Tells whoever appended these commands that their outcome is unknown.
  private func giveUp(_ rows: [PendingAppends.Row], _ reason: String) {
    var requests: [ObjectIdentifier: (owner: any LogOwner, requests: [RequestID])] = [:]
    var count = 0
    for row in rows {
      count += row.record.entries.count
      guard let owner = row.owner else { continue }
      requests[ObjectIdentifier(owner), default: (owner, [])].requests += row.record.requests
    }
    guard count > 0 else { return }
    state.withLock { $0.statistics.commandsUnknown += UInt64(count) }
    report(.commandsUnknown(count, reason: reason))
    for (owner, requests) in requests.values { owner.commandsUnknown(requests) }
  }

  /// Stops every partition that lost a message and was not told yet.
  private func stopSenders(_ reason: String) {
    let (stopped, routes) = state.withLock { state in
      let stopped = state.lost.untold.sorted()
      return (stopped, stopped.map { partition in slot(of: partition).flatMap { state.routes[$0] } })
    }
    guard !stopped.isEmpty else { return }
    report(.messagesLost(stopped, reason: reason))
    for (partition, inbox) in zip(stopped, routes) {
      let isTold = inbox?.breakOff(partition, "messages that it sent were lost: \(reason)") ?? false
      // A partition without an owner has no checkpoint under way.
      if !isTold { tell([partition]) }
    }
  }

  private var owners: [any LogOwner] { state.withLock { $0.inboxes.map(\.owner) } }

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
