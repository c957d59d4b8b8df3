import CRdKafka
import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Synchronization
import Wire

/// One lane of the log: its producer and what is under way with it, its queue and what is being read into it.
/// librdkafka's parts wake the lane through one descriptor.
final class KafkaLogLane: Sendable {
  let place: Int
  let wake: WakeDescriptor
  private let lane: any LogLane
  private let options: KafkaOptions
  private let pending: PendingTotal
  private let report: @Sendable (KafkaEvent) -> Void
  private let state: Mutex<State>

  private struct State: Sendable {
    /// Where the lane runs, once known.
    var loop: Lane?
    /// Made for the first append.
    var sender: (any RecordSender)?
    var appends: LaneAppends
    /// Made for the first reading.
    var queue: ReadQueue?
    var readings = LaneReadings()
    /// The newest record of each partition that no topic accepts: each is reported to the operator once.
    var oversized: [PartitionID: UInt64] = [:]
    /// Appends of unknown fate not yet reported to the operator, and when the last report was.
    var unreported = 0
    var reportedAt: ContinuousClock.Instant?
    var isClosed = false
    var statistics = KafkaRecordLog.Statistics()
  }

  /// What is under way from all lanes.
  final class PendingTotal: Sendable {
    let records = Atomic<Int>(0)
    let bytes = Atomic<Int>(0)
  }

  init(
    _ place: Int, _ lane: any LogLane, _ options: KafkaOptions, wake: WakeDescriptor, pending: PendingTotal,
    report: @escaping @Sendable (KafkaEvent) -> Void
  ) {
    self.place = place
    self.lane = lane
    self.options = options
    self.wake = wake
    self.pending = pending
    self.report = report
    state = Mutex(State(appends: LaneAppends(partitionCount: options.partitioner.count)))
  }

  /// Changes the state, counts what is under way, and then reports what the operator should know.
  private func change<Result>(_ body: (inout State, inout [KafkaEvent]) -> Result) -> Result {
    var events: [KafkaEvent] = []
    let result = state.withLock { state in
      let before = (state.appends.count, state.appends.byteCount)
      let result = body(&state, &events)
      let after = (state.appends.count, state.appends.byteCount)
      if before != after {
        pending.records.add(after.0 - before.0, ordering: .relaxed)
        pending.bytes.add(after.1 - before.1, ordering: .relaxed)
      }
      return result
    }
    for event in events { report(event) }
    return result
  }

  func notifyLane() { lane.logHasNews() }

  var statistics: KafkaRecordLog.Statistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.recordsPending = state.appends.count
      statistics.bytesPending = state.appends.byteCount
      statistics.partitionsRead = state.readings.count
      return statistics
    }
  }

  // MARK: Appends

  /// From now on it is called on this loop only, until the loop has ended.
  ///
  /// - Parameter appends: whether the producer is made now, not with the first append.
  func run(on loop: Lane, appends: Bool) throws(LogFailure) {
    try state.withLock { state throws(LogFailure) in
      state.loop = loop
      if appends { _ = try sender(&state) }
    }
  }

  private func sender(_ state: inout State) throws(LogFailure) -> any RecordSender {
    if let sender = state.sender { return sender }
    let sender: any RecordSender =
      if let loop = state.loop, options.properties.arePlain, let brokers = BrokerProtocol.Endpoint.list(options.brokers)
      {
        LaneProducer(options, brokers, lane: place, on: loop)
      } else {
        try RecordProducer(options, lane: place, wake: wake)
      }
    state.sender = sender
    return sender
  }

  func append(_ appends: [RecordAppend]) {
    var isAnyRefused = false
    var bytes: [UInt8] = []
    for append in appends where append.partition.slot(of: options.partitioner.count) != nil {
      bytes.removeAll(keepingCapacity: true)
      LogRecordCodec.encode(append.record, into: &bytes)
      let isTaken = change { state, events in
        state.isClosed || send(append.partition, append.record, bytes, &state, &events)
      }
      isAnyRefused = isAnyRefused || !isTaken
    }
    state.withLock { $0.sender }?.flush()
    if isAnyRefused { lane.logHasNews() }
  }

  /// Sends a record; one that cannot be sent is confirmed at once, with an unknown fate. Returns whether it is sent.
  private func send(
    _ partition: PartitionID, _ record: LogRecord, _ bytes: [UInt8], _ state: inout State,
    _ events: inout [KafkaEvent]
  ) -> Bool {
    let (epoch, number) = (record.owner.epoch, record.number)
    guard let tag = state.appends.begin(partition, epoch: epoch, number, byteCount: bytes.count) else {
      state.appends.refuse(partition, epoch: epoch, number)
      state.statistics.recordsUnknown += 1
      events.append(trouble("\(partition): more than \(LaneAppends.countMax) records are under way"))
      return false
    }
    var code: rd_kafka_resp_err_t?
    if bytes.count > options.recordBytesMax {
      code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
    } else {
      do throws(LogFailure) {
        code = try sender(&state).send(bytes, to: partition, tag: tag)
      } catch {
        events.append(trouble(error.message))
        code = RD_KAFKA_RESP_ERR__FAIL
      }
    }
    guard let code else { return true }
    settle([DeliveryReport(tag: tag, code: code, offset: -1)], &state, &events)
    return false
  }

  /// Takes what the producer reports, to the operator too. Returns whether there may be more.
  private func takeReports(_ state: inout State, _ events: inout [KafkaEvent]) -> Bool {
    guard let sender = state.sender else { return false }
    var reports: [DeliveryReport] = []
    let hasMore = sender.takeReports(options.reportsMax, into: &reports, &events)
    state.statistics.requests = sender.requestCount
    if !reports.isEmpty { settle(reports, &state, &events) }
    return hasMore
  }

  private func settle(_ reports: [DeliveryReport], _ state: inout State, _ events: inout [KafkaEvent]) {
    state.statistics.reportBatches += 1
    var reason: String?
    for report in reports {
      guard let append = state.appends.append(report.tag) else { continue }
      let isKnown = report.code == RD_KAFKA_RESP_ERR_NO_ERROR && report.offset >= 0
      state.appends.settle(report.tag, offset: isKnown ? report.offset : nil)
      if isKnown {
        state.statistics.recordsAcknowledged += 1
        continue
      }
      state.statistics.recordsUnknown += 1
      if report.code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE {
        // Its owner appends it repeatedly.
        let number = append.number ?? 0
        guard state.oversized.updateValue(number, forKey: append.partition) != number else { continue }
        events.append(
          trouble("\(append.partition): record \(number) is larger than its topic accepts: the partition is blocked"))
      } else {
        state.unreported += 1
        reason = KafkaLibrary.text(report.code)
      }
    }
    let now = ContinuousClock.now
    guard let reason, state.reportedAt.map({ now - $0 >= Self.reportInterval }) ?? true else { return }
    events.append(trouble("the fate of \(state.unreported) records is unknown; the newest one's reason: \(reason)"))
    (state.unreported, state.reportedAt) = (0, now)
  }

  /// What is refused at once is soon appended again: it is not reported to the operator more often than this.
  private static let reportInterval = Duration.seconds(1)

  private func trouble(_ text: String) -> KafkaEvent { .trouble(client: "lane \(place)", text: text) }

  func takeConfirmations() -> [Confirmation] {
    let (taken, hasMore) = change { state, events in
      let hasMore = takeReports(&state, &events)
      return (state.appends.takeConfirmations(), hasMore)
    }
    if hasMore { lane.logHasNews() }
    return taken
  }

  // MARK: Reading

  /// Reads partitions from these offsets on, into this lane's queue.
  /// - Throws: `LogFailure` if librdkafka refuses; then none of them is read.
  func read(_ partitions: [PartitionID: Int64], with reader: KafkaReader) throws(LogFailure) {
    try state.withLock { state throws(LogFailure) in
      guard !state.isClosed else { throw KafkaRecordLog.closed }
      let queue = try queue(of: reader, &state)
      for (partition, offset) in partitions { state.readings.begin(partition, at: offset) }
      do throws(LogFailure) {
        try reader.assign(partitions, to: queue.handle)
      } catch {
        for partition in partitions.keys { state.readings.end(partition) }
        reader.unassign(Array(partitions.keys))
        throw error
      }
      state.statistics.readingsBegun += UInt64(partitions.count)
    }
  }

  private func queue(of reader: KafkaReader, _ state: inout State) throws(LogFailure) -> ReadQueue {
    if let queue = state.queue { return queue }
    let queue = try ReadQueue(reader, wake: wake)
    state.queue = queue
    return queue
  }

  /// Stops reading those of these partitions that it reads.
  func stopReading(_ partitions: some Sequence<PartitionID>) {
    state.withLock { state in
      let read = partitions.filter { state.readings.end($0) }
      // Under the lock: another lane may read them as soon as this one stops.
      if !read.isEmpty { state.queue?.reader.unassign(read) }
    }
  }

  func takeRead(eventsMax: Int) -> [ReadEvent] {
    let (taken, hasMore) = change { state, events -> ([ReadEvent], Bool) in
      // Even if nothing is read: what came too late must not keep the queue from waking the lane.
      guard let queue = state.queue else { return ([], false) }
      var taken: [ReadEvent] = []
      var over: [PartitionID] = []
      var hasMore = true
      var left = max(eventsMax, 1)
      while hasMore, left > 0 {
        let wanted = min(left, ReadQueue.batchMax)
        hasMore = queue.take(wanted) { message in
          admit(message, &state, into: &taken, over: &over, &events)
        }
        left -= wanted
      }
      if !over.isEmpty { queue.reader.unassign(over) }
      return (taken, hasMore)
    }
    if hasMore { lane.logHasNews() }
    return taken
  }

  private func admit(
    _ message: rd_kafka_message_t, _ state: inout State, into taken: inout [ReadEvent], over: inout [PartitionID],
    _ events: inout [KafkaEvent]
  ) {
    guard let partition = state.queue?.reader.partition(of: message) else {
      if message.err != RD_KAFKA_RESP_ERR_NO_ERROR { events.append(trouble(KafkaLibrary.text(message.err))) }
      return
    }
    switch state.readings.admit(message, of: partition) {
    case .drop: break
    case .deliver:
      state.statistics.recordsRead += 1
      taken.append(Self.event(message, partition))
    case .ended:
      taken.append(.ended(partition, end: message.offset))
      over.append(partition)
    case .broken(let reason):
      state.statistics.readingsBroken += 1
      taken.append(.broken(partition, reason: reason))
      over.append(partition)
      events.append(.partitionBroken(partition, reason: reason))
    case .trouble(let text): events.append(trouble("\(partition): \(text)"))
    }
  }

  private static func event(_ message: rd_kafka_message_t, _ partition: PartitionID) -> ReadEvent {
    switch LoggedRecord.Content(message) {
    case .record(let record): .record(record, offset: message.offset, partition)
    case .undecodable(let reason): .undecodable(reason: reason, offset: message.offset, partition)
    }
  }

  // MARK: The end

  /// Takes nothing more. Call it after its loop has ended.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.sender?.laneEnded()
    }
  }

  /// Takes the reports that have arrived; returns whether others are awaited.
  func settleReports() -> Bool {
    change { state, events in
      _ = takeReports(&state, &events)
      return state.appends.count > 0
    }
  }

  /// Ends the producer and the queue, which waits for librdkafka's threads.
  func release() {
    // Released outside the lock.
    let ended = state.withLock { state -> ((any RecordSender)?, ReadQueue?) in
      defer { (state.sender, state.queue, state.readings, state.loop) = (nil, nil, LaneReadings(), nil) }
      return (state.sender, state.queue)
    }
    withExtendedLifetime(ended) {}
  }
}
