import CRdKafka
import Ports
import Model

/// librdkafka's producer, for one lane: its threads send, and report the results.
///
/// `@unchecked Sendable` is safe: its handles are constant, and librdkafka's calls on them may come from any thread.
final class RecordProducer: RecordSender, @unchecked Sendable {
  private let client: KafkaClient
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

  /// Its threads send at once.
  func flush() {}

  func takeReports(_ countMax: Int, into reports: inout [DeliveryReport], _ news: inout [KafkaEvent]) -> Bool {
    var looks = 0
    while reports.count < countMax, looks < countMax,
      client.nextEvent({ event in
        DeliveryReport.collect(event, into: &reports)
        if let one = client.news(event) { news.append(one) }
      })
    { looks += 1 }
    return reports.count >= countMax || looks >= countMax
  }

  var requestCount: UInt64 { 0 }

  func laneEnded() {}
}
