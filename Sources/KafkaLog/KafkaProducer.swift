import CRdKafka
import EventLog
import Model

/// One idempotent producer. `@unchecked Sendable` is safe: its handles are constant, and librdkafka's calls on them may
/// come from any thread.
final class KafkaProducer: @unchecked Sendable {
  let client: KafkaClient
  /// Distinguishes it from the producers before and behind it.
  let generation: UInt32
  let isGapless: Bool
  /// By service.
  private let topics: [OpaquePointer?]

  init(_ options: KafkaOptions, isGapless: Bool, generation: UInt32, wake: WakeDescriptor) throws(LogFailure) {
    self.generation = generation
    self.isGapless = isGapless
    let configuration = try KafkaConfiguration.producer(options, isGapless: isGapless)
    client = try KafkaClient(RD_KAFKA_PRODUCER, configuration, name: isGapless ? "messages" : "commands")
    let handle = client.handle
    topics = Service.allCases.map { rd_kafka_topic_new(handle, options.topic(of: $0), nil) }
    client.wake(wake)
  }

  deinit {
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
  }

  /// Hands a record over to be sent. The report comes on the client's queue of events.
  /// - Returns: nil, or why the producer does not take it.
  func send(_ frame: RecordFrame, tag: UInt) -> rd_kafka_resp_err_t? {
    guard let topic = topics[Int(frame.partition.service.rawValue)] else { return RD_KAFKA_RESP_ERR__FATAL }
    let status = frame.bytes.withUnsafeBytes { bytes in
      // Copied: the payload is only read, whatever the C signature says.
      rd_kafka_produce(
        topic, Int32(frame.partition.index), Int32(RD_KAFKA_MSG_F_COPY),
        UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, nil, 0,
        UnsafeMutableRawPointer(bitPattern: tag))
    }
    return status == 0 ? nil : rd_kafka_last_error()
  }

  /// Drops what was not sent, so that nothing leaves any more.
  func abandon() {
    rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
  }
}
