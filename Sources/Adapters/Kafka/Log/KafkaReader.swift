import CRdKafka
import Ports
import Model
import Synchronization
import Lanes

/// Reads the assigned partitions of all services, each into its owner's queue. Knows nothing of groups.
///
/// `@unchecked Sendable` is safe: the handles are constant, librdkafka's calls on them may come from any thread, and
/// what is assigned is behind a lock.
final class KafkaReader: @unchecked Sendable {
  let client: KafkaClient
  /// Queries, and never reads: a broker answers a connection's requests one after another, so a query on the reader's
  /// would wait until a fetch has something to return.
  private let questions: KafkaClient
  private let options: KafkaOptions
  /// By service. Held so that no other topic can get one of these addresses.
  private let topics: [OpaquePointer?]
  private let assigned = Mutex<Set<PartitionID>>([])

  /// - Parameter reportsEnds: whether the end of a partition comes to its queue, as a librdkafka error.
  init(_ options: KafkaOptions, reportsEnds: Bool = false, wake: WakeDescriptor) throws(LogFailure) {
    self.options = options
    let configuration = try KafkaConfiguration.reader(options, reportsEnds: reportsEnds)
    client = try KafkaClient(RD_KAFKA_CONSUMER, configuration, name: "reader")
    questions = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.reader(options), name: "questions")
    let handle = client.handle
    topics = Service.allCases.map { rd_kafka_topic_new(handle, options.topic(of: $0), nil) }
    client.wake(wake)
    questions.wake(wake)
  }

  /// What the clients report to the operator.
  func takeNews(_ report: (KafkaEvent) -> Void) {
    for client in [client, questions] {
      while client.nextEvent({ if let news = client.news($0) { report(news) } }) {}
    }
  }

  deinit {
    unassign(Array(assigned.withLock { $0 }))
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
  }

  func makeQueue() -> OpaquePointer? { rd_kafka_queue_new(client.handle) }

  /// The partition of a record's topic; nil if it is not one of Kassa's.
  func partition(of message: rd_kafka_message_t) -> PartitionID? {
    guard let topic = message.rkt, let place = topics.firstIndex(of: topic),
      let service = Service(rawValue: UInt8(place)), (0..<options.partitioner.count).contains(Int(message.partition))
    else { return nil }
    return PartitionID(service, UInt16(message.partition))
  }

  /// Reads `partitions` from these offsets on, into `queue`; any earlier reading of them ends.
  ///
  /// Partition by partition, not as one assignment: a stop is complete when its call returns, so nothing from
  /// before can reach the new queue, and nobody else's reading is touched. An assignment is undone later, on
  /// another thread, and takes the route to the queue with it.
  /// - Throws: `LogFailure` if librdkafka refuses; then some of them may be read by nobody.
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

  /// What the brokers have of partitions, asked for all at once: a pod that takes many over asks while their clients
  /// wait. Blocking. Those that are moving to another leader, or were just created, are asked for again until time is
  /// up.
  /// - Throws: `LogFailure` that names one without an answer.
  func bounds(
    of partitions: [PartitionID], timeoutMilliseconds: Int
  ) throws(LogFailure) -> [PartitionID: LogBounds] {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(timeoutMilliseconds)
    let pause = Signal()
    var known: [PartitionID: LogBounds] = [:]
    var missing = Array(Set(partitions)).sorted()
    while !missing.isEmpty {
      // The end after the beginning: retention may move the beginning in between, but never beyond the end.
      let firsts = offsets(Int64(RD_KAFKA_OFFSET_BEGINNING), of: missing, until: deadline)
      let nexts = offsets(Int64(RD_KAFKA_OFFSET_END), of: missing, until: deadline)
      for (place, partition) in missing.enumerated() {
        guard let first = firsts[place].offset, let next = nexts[place].offset else { continue }
        known[partition] = LogBounds(first: first, next: max(first, next))
      }
      guard let place = missing.firstIndex(where: { known[$0] == nil }) else { break }
      let code = firsts[place].offset == nil ? firsts[place].code : nexts[place].code
      guard clock.now < deadline, code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED else {
        throw LogFailure(
          .unreachable, "\(missing[place]): the brokers do not report its offsets: \(KafkaLibrary.text(code))")
      }
      missing.removeAll { known[$0] != nil }
      _ = pause.wait(milliseconds: Self.pauseMilliseconds)
    }
    return known
  }

  /// One offset of each partition, the beginning or the end as asked. nil with the reason if there is none.
  private func offsets(
    _ which: Int64, of partitions: [PartitionID], until deadline: ContinuousClock.Instant
  ) -> [(offset: Int64?, code: rd_kafka_resp_err_t)] {
    let left = (deadline - ContinuousClock().now) / .milliseconds(1)
    let list = rd_kafka_topic_partition_list_new(Int32(partitions.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for partition in partitions {
      let place = rd_kafka_topic_partition_list_add(
        list, options.topic(of: partition.service), Int32(partition.index))
      place?.pointee.offset = which
    }
    let code = rd_kafka_offsets_for_times(questions.handle, list, Int32(max(1, min(left, 3_600_000))))
    return partitions.map { partition in
      let found = rd_kafka_topic_partition_list_find(
        list, options.topic(of: partition.service), Int32(partition.index))
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return (nil, code) }
      guard let found = found?.pointee else { return (nil, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) }
      guard found.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return (nil, found.err) }
      // For a partition the answer omits, the entry still holds what was asked.
      return found.offset >= 0 ? (found.offset, found.err) : (nil, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    }
  }

  /// Between two queries for the same thing.
  static let pauseMilliseconds = 50

  /// The id of the cluster. Blocking; nil if no broker answers in time.
  func clusterID(timeoutMilliseconds: Int) -> String? {
    guard let text = rd_kafka_clusterid(questions.handle, Int32(clamping: timeoutMilliseconds)) else { return nil }
    defer { rd_kafka_mem_free(questions.handle, text) }
    return String(cString: text)
  }
}
