import CRdKafka
import EventLog
import Model
import Synchronization
import Threads

/// Reads the assigned partitions of all services, each into its owner's queue. Knows nothing of groups.
///
/// `@unchecked Sendable` is safe: the handles are constant, librdkafka's calls on them may come from any thread, and
/// what is assigned stands behind a lock.
final class KafkaReader: @unchecked Sendable {
  let client: KafkaClient
  /// Asks, and never reads: a broker answers a connection's requests one after another, so a question on the reader's
  /// would wait until a fetch has something to tell.
  private let questions: KafkaClient
  private let options: KafkaOptions
  /// By service. Held so that no other topic can get one of these addresses.
  private let topics: [OpaquePointer?]
  private let assigned = Mutex<Set<PartitionID>>([])

  init(_ options: KafkaOptions, wake: WakeDescriptor) throws(LogFailure) {
    self.options = options
    client = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.reader(options), name: "reader")
    questions = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.reader(options), name: "questions")
    let handle = client.handle
    topics = Service.allCases.map { rd_kafka_topic_new(handle, options.topic(of: $0), nil) }
    client.wake(wake)
    questions.wake(wake)
  }

  /// What the clients have to say to the operator.
  func takeNews(_ tell: (KafkaEvent) -> Void) {
    for client in [client, questions] {
      while client.nextEvent({ if let news = client.news($0) { tell(news) } }) {}
    }
  }

  deinit {
    unassign(Array(assigned.withLock { $0 }))
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
  }

  func makeQueue() -> OpaquePointer? { rd_kafka_queue_new(client.handle) }

  /// The service of a record's topic.
  func service(of topic: OpaquePointer?) -> Service? {
    guard let topic, let place = topics.firstIndex(of: topic) else { return nil }
    return Service(rawValue: UInt8(place))
  }

  /// Reads `partitions` from these offsets on, into `queue`; whoever read them before does not any more.
  ///
  /// Partition by partition, not as one assignment: a stop has ended when its call returns, so nothing of the time
  /// before can reach the new queue, and nobody else's reading is touched. An assignment is taken back later, on
  /// another thread, and takes the way to the queue with it.
  /// - Throws: `LogFailure` when librdkafka refuses; then some of them may be read by nobody.
  func assign(_ partitions: [PartitionID: Int64], to queue: OpaquePointer) throws(LogFailure) {
    try assigned.withLock { assigned throws(LogFailure) in
      for (partition, offset) in partitions {
        stop(partition, &assigned)
        guard let topic = topics[Int(partition.service.rawValue)] else { continue }
        guard rd_kafka_consume_start_queue(topic, Int32(partition.index), offset, queue) == 0 else {
          throw LogFailure(.read, "\(partition) cannot be read: \(KafkaLibrary.text(rd_kafka_last_error()))")
        }
        assigned.insert(partition)
      }
    }
  }

  func unassign(_ partitions: [PartitionID]) {
    assigned.withLock { assigned in
      for partition in partitions { stop(partition, &assigned) }
    }
  }

  private func stop(_ partition: PartitionID, _ assigned: inout Set<PartitionID>) {
    guard assigned.remove(partition) != nil, let topic = topics[Int(partition.service.rawValue)] else { return }
    rd_kafka_consume_stop(topic, Int32(partition.index))
  }

  /// What the brokers have of a partition. Blocking. A partition that is on its way to another leader, or was just
  /// created, is asked for again until the time is over.
  func bounds(of partition: PartitionID, timeoutMilliseconds: Int) throws(LogFailure) -> LogBounds {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(timeoutMilliseconds)
    let pause = Signal()
    while true {
      var (first, next): (Int64, Int64) = (0, 0)
      let code = rd_kafka_query_watermark_offsets(
        questions.handle, options.topic(of: partition.service), Int32(partition.index), &first, &next,
        Int32(clamping: timeoutMilliseconds))
      if code == RD_KAFKA_RESP_ERR_NO_ERROR { return LogBounds(first: first, next: next) }
      guard clock.now < deadline, code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED else {
        throw LogFailure(.unreachable, "\(partition): the brokers do not tell its offsets: \(KafkaLibrary.text(code))")
      }
      _ = pause.wait(milliseconds: Self.pauseMilliseconds)
    }
  }

  /// Between two questions for the same thing.
  static let pauseMilliseconds = 50

  /// The id of the cluster. Blocking; nil when no broker answers in time.
  func clusterID(timeoutMilliseconds: Int) -> String? {
    guard let text = rd_kafka_clusterid(questions.handle, Int32(clamping: timeoutMilliseconds)) else { return nil }
    defer { rd_kafka_mem_free(questions.handle, text) }
    return String(cString: text)
  }
}
