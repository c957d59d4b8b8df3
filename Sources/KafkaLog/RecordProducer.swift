import CRdKafka
import EventLog
import Model

/// The producer of one lane.
///
/// `@unchecked Sendable` is safe: its handles are constant, and librdkafka's calls on them may come from any thread.
final class RecordProducer: @unchecked Sendable {
  let client: KafkaClient
  /// By service.
  private let topics: [OpaquePointer?]

  init(_ options: KafkaOptions, lane: Int, wake: WakeDescriptor) throws(LogFailure) {
    client = try KafkaClient(RD_KAFKA_PRODUCER, try KafkaConfiguration.appender(options), name: "lane \(lane)")
    let handle = client.handle
    topics = Service.allCases.map { rd_kafka_topic_new(handle, options.topic(of: $0), nil) }
    client.wake(wake)
  }

  deinit {
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
  }

  /// Hands a record over to be sent. The report comes on the client's queue of events.
  /// - Returns: nil, or why the producer does not take it.
  func send(_ bytes: [UInt8], to partition: PartitionID, tag: UInt) -> rd_kafka_resp_err_t? {
    guard let topic = topics[Int(partition.service.rawValue)] else { return RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC }
    let status = bytes.withUnsafeBytes { bytes in
      // Copied: the payload is only read, whatever the C signature says.
      rd_kafka_produce(
        topic, Int32(partition.index), Int32(RD_KAFKA_MSG_F_COPY),
        UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, nil, 0,
        UnsafeMutableRawPointer(bitPattern: tag))
    }
    return status == 0 ? nil : rd_kafka_last_error()
  }
}
