import Ports
import Lanes
import Model
import PartitionCore
import Synchronization

/// The log in Apache Kafka: one topic for each service, one partition for each of its partitions, one writer for each.
///
/// * **Appends** go through their lane's own producer, acknowledged by all replicas in sync and retried within
///   `commandTimeoutMilliseconds`. It is not idempotent: an append may be in the log twice, or be there although its
///   fate is reported as unknown. The records' own numbers void repetitions, and owners compare offsets.
/// * **Reading** is for owners that take a partition over or settle an append: from an offset to the end, then it stops
///   by itself. While nothing is read, nothing is fetched. One consumer in no group reads for all lanes, into a queue
///   for each; what librdkafka reads ahead for one is bounded by `readAheadKilobytesMax`.
///
/// A lane's producer and queue wake that lane only, so that a report takes no detour over another thread. If
/// connections are plain, the producer is Kassa's own on the lane's loop (`LaneProducer`), else librdkafka's.
package final class KafkaRecordLog: SharedRecordLog {
  package let options: KafkaOptions
  private let report: @Sendable (KafkaEvent) -> Void
  private let pending = KafkaLogLane.PendingTotal()
  private let attached = AtomicLazyReference<Attached>()
  private let isClosed = Atomic(false)
  /// nil once closed.
  private let reader: Mutex<KafkaReader?>
  private let readerWake: WakeDescriptor
  private let retention = Mutex(RetentionMargins())

  private final class Attached: Sendable {
    let lanes: [KafkaLogLane]
    init(_ lanes: [KafkaLogLane]) { self.lanes = lanes }
  }

  /// What the log has done since it was opened.
  package struct Statistics: Hashable, Sendable {
    package var recordsAcknowledged: UInt64 = 0
    /// Appends that were not acknowledged, or without an offset: their owners look where they are.
    package var recordsUnknown: UInt64 = 0
    package var reportBatches: UInt64 = 0
    /// Requests that carried records, of Kassa's own producers.
    package var requests: UInt64 = 0
    /// Partitions whose reading began.
    package var readingsBegun: UInt64 = 0
    package var readingsBroken: UInt64 = 0
    package var recordsRead: UInt64 = 0
    /// Records sent but not reported on.
    package var recordsPending = 0
    package var bytesPending = 0
    /// Partitions that are being read now.
    package var partitionsRead = 0

    package init() {}

    mutating func add(_ other: Statistics) {
      recordsAcknowledged += other.recordsAcknowledged
      recordsUnknown += other.recordsUnknown
      reportBatches += other.reportBatches
      requests += other.requests
      readingsBegun += other.readingsBegun
      readingsBroken += other.readingsBroken
      recordsRead += other.recordsRead
      recordsPending += other.recordsPending
      bytesPending += other.bytesPending
      partitionsRead += other.partitionsRead
    }
  }

  /// Makes the clients that query and read. Waits for no broker: they connect by themselves, and keep trying forever.
  ///
  /// - Parameter report: called on any thread, must not block.
  /// - Throws: `LogFailure` if the options or properties make no sense.
  package init(options: KafkaOptions, report: @escaping @Sendable (KafkaEvent) -> Void) throws(LogFailure) {
    self.options = options
    self.report = report
    // Lanes make theirs later, when it is too late to refuse the options.
    _ = try KafkaConfiguration.appender(options)
    readerWake = try WakeDescriptor()
    reader = Mutex(try KafkaReader(options, reportsEnds: true, wake: readerWake))
  }

  deinit { close() }

  static let closed = LogFailure(.closed, "the log in Kafka is closed")

  private var lanes: [KafkaLogLane] { attached.load()?.lanes ?? [] }

  private func lane(at place: Int) -> KafkaLogLane? {
    let lanes = lanes
    return lanes.indices.contains(place) ? lanes[place] : nil
  }

  // MARK: Lanes

  /// Sets the lanes; once. A lane without a loop from `attach(_:to:appends:)` must poll for news by itself.
  package func attach(_ lanes: [any LogLane]) {
    do throws(LogFailure) {
      var made: [KafkaLogLane] = []
      for (place, lane) in lanes.enumerated() {
        made.append(
          KafkaLogLane(place, lane, options, wake: try WakeDescriptor(), pending: pending, report: report))
      }
      _ = attached.storeIfNil(Attached(made))
    } catch {
      report(.trouble(client: "log", text: error.message))
      refused.withLock { $0 = error }
    }
  }

  /// Why there are no lanes.
  private let refused = Mutex<LogFailure?>(nil)

  /// Wakes a lane's loop, so that a turn follows, when there is something for `takeConfirmations` or
  /// `takeRead`. After `attach(_ lanes:)`; on the lane, or before it starts. From then on `append` and
  /// `takeConfirmations` for the lane are called only on it, and it must end before the log is closed.
  ///
  /// - Parameters:
  ///   - place: the lane's place among those given to `attach`.
  ///   - appends: whether the lane's producer is made now; else it is made when the lane first appends, if ever.
  /// - Throws: `LogFailure` or `LaneFailure` if there is no such lane, or the system has no descriptors or threads.
  package func attach(_ place: Int, to lane: Lane, appends: Bool = true) throws {
    guard let own = self.lane(at: place) else { throw noLane(place) }
    let wake = own.wake
    _ = try lane.watch(wake.descriptor, for: .readable) { _ in wake.clear() }
    if place == 0 {
      let wake = readerWake
      _ = try lane.watch(wake.descriptor, for: .readable) { _ in wake.clear() }
    }
    try own.run(on: lane, appends: appends)
  }

  private func noLane(_ place: Int) -> LogFailure {
    refused.withLock { $0 } ?? LogFailure(.settings, "the log in Kafka has no lane \(place)")
  }

  // MARK: Appends

  package func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int]) {
    guard let own = self.lane(at: lane) else { return }
    for append in appends {
      guard case .owned = append.record, append.partition.slot(of: options.partitioner.count) != nil else { continue }
      retention.withLock { $0.announce(append.partition) }
    }
    own.append(appends)
  }

  /// The first lane also takes what the clients that query and read report to the operator.
  package func takeConfirmations(of lane: Int) -> [Confirmation] {
    guard let own = self.lane(at: lane) else { return [] }
    if lane == 0 { takeReaderNews() }
    return own.takeConfirmations()
  }

  private func takeReaderNews() { reader.withLock { $0 }?.takeNews(report) }

  /// Nothing waits for the end of a turn: `append` has sent what it was given.
  package func turnEnded(by lane: Int) {}

  package var isBacklogged: Bool {
    pending.records.load(ordering: .relaxed) >= options.queuedRecordsMax
      || pending.bytes.load(ordering: .relaxed) >= options.queuedBytesMax
  }

  // MARK: Reading

  /// Starts to read partitions, each from an offset on, as `RecordLog` says. One already being read starts over. What
  /// the topic has turns out while reading: `ReadEvent.broken` says what is wrong with a partition.
  /// - Throws: `LogFailure` if there is no such partition, offset or lane, the log is closed, or librdkafka refuses.
  package func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure) {
    guard let reader = reader.withLock({ $0 }) else { throw Self.closed }
    guard let own = self.lane(at: lane) else { throw noLane(lane) }
    for (partition, offset) in partitions.sorted(by: { $0.key < $1.key }) {
      guard partition.slot(of: options.partitioner.count) != nil else { throw noPartition(partition) }
      guard offset >= 0 else { throw LogFailure(.format, "\(partition) has no offset \(offset)") }
    }
    for other in lanes where other !== own { other.stopReading(partitions.keys) }
    try own.read(partitions, with: reader)
    retention.withLock { retention in
      for (partition, offset) in partitions { retention.read(partition, from: offset) }
    }
  }

  package func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent] {
    self.lane(at: lane)?.takeRead(eventsMax: eventsMax) ?? []
  }

  package func leave(_ partition: PartitionID, by lane: Int) {
    self.lane(at: lane)?.stopReading(CollectionOfOne(partition))
    retention.withLock { $0.forget(partition) }
  }

  private func noPartition(_ partition: PartitionID) -> LogFailure {
    LogFailure(.format, "there is no \(partition): each topic has \(options.partitioner.count) partitions")
  }

  // MARK: What the topics have

  /// Asks the brokers which records some partitions have. Blocking: not for lanes.
  /// - Throws: `LogFailure` if they do not answer within `queryTimeoutMilliseconds`, or there is no such partition.
  package func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds] {
    guard let reader = reader.withLock({ $0 }) else { throw Self.closed }
    for partition in partitions where partition.slot(of: options.partitioner.count) == nil {
      throw noPartition(partition)
    }
    let bounds = try reader.bounds(of: partitions, timeoutMilliseconds: options.queryTimeoutMilliseconds)
    retention.withLock { $0.note(bounds) }
    return bounds
  }

  /// The id of the cluster, for keeping its state elsewhere. Blocking.
  /// - Throws: `LogFailure` if no broker answers in time.
  package func readClusterID() throws(LogFailure) -> String {
    guard let reader = reader.withLock({ $0 }) else { throw Self.closed }
    guard let id = reader.clusterID(timeoutMilliseconds: options.queryTimeoutMilliseconds) else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) reports the cluster's id")
    }
    return id
  }

  /// Partitions whose owner here has announced itself (`Owned`) and was not forgotten: those to pass to `readBounds`.
  package var announced: [PartitionID] { retention.withLock { $0.partitions } }

  /// For each announced partition: how many records retention may still remove before its owner misses one, as of the
  /// newest `readBounds`. An alarm is due when it shrinks towards 0.
  package var margins: [PartitionID: Int64] { retention.withLock { $0.margins } }

  /// Retention removes records by age, whoever needs them; this is kept for `margins`.
  package func trim(_ partition: PartitionID, through offset: Int64) {
    retention.withLock { $0.trim(partition, through: offset) }
  }

  // MARK: Facts

  /// Trouble with brokers does not count: it passes.
  package var failure: LogFailure? {
    isClosed.load(ordering: .acquiring) ? Self.closed : refused.withLock { $0 }
  }

  package var statistics: Statistics {
    lanes.reduce(into: Statistics()) { $0.add($1.statistics) }
  }

  // MARK: The end

  /// Waits for the reports on appends, at most `closeTimeoutMilliseconds`, and ends the clients. Lanes may still
  /// take what was confirmed. The fate of the rest is unknown; the next owner reads it.
  package func close() {
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let lanes = lanes
    for lane in lanes { lane.close() }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.closeTimeoutMilliseconds)
    let pause = Signal()
    while lanes.reduce(false, { $1.settleReports() || $0 }), clock.now < deadline {
      _ = pause.wait(milliseconds: Self.closeLookMilliseconds)
    }
    for lane in lanes { lane.release() }
    // Last: the lanes' queues belong to its client.
    let ended = reader.withLock { reader in
      defer { reader = nil }
      return reader
    }
    withExtendedLifetime(ended) {}
    for lane in lanes { lane.notifyLane() }
  }

  /// Between two looks for reports while closing.
  private static let closeLookMilliseconds = 5
}
