import CRdKafka
import EventLog
import Model
import Synchronization

/// One idempotent producer. `@unchecked Sendable` is safe: its handles are constant, and librdkafka's calls on them may
/// come from any thread.
final class KafkaProducer: @unchecked Sendable {
  let client: KafkaClient
  /// Distinguishes it from the producers before and behind it.
  let generation: UInt32
  let isGapless: Bool
  /// By service.
  private let topics: [OpaquePointer?]
  /// Held while a record is handed over and while all are dropped: one that was handed over behind that would go out
  /// without those in front of it, and its receiver would take them for repetitions later.
  private let isAbandoned = Mutex(false)

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
    return isAbandoned.withLock { isAbandoned in
      guard !isAbandoned else { return RD_KAFKA_RESP_ERR__PURGE_QUEUE }
      let status = frame.bytes.withUnsafeBytes { bytes in
        // Copied: the payload is only read, whatever the C signature says.
        rd_kafka_produce(
          topic, Int32(frame.partition.index), Int32(RD_KAFKA_MSG_F_COPY),
          UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, nil, 0,
          UnsafeMutableRawPointer(bitPattern: tag))
      }
      return status == 0 ? nil : rd_kafka_last_error()
    }
  }

  /// Drops what was not sent, and takes nothing any more.
  func abandon() {
    isAbandoned.withLock { isAbandoned in
      isAbandoned = true
      rd_kafka_purge(
        client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    }
  }
}
