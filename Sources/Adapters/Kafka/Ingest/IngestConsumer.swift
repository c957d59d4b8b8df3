import CRdKafka
import Model
import Ports

/// A consumer of ingest topics, in no group, for one thread.
final class IngestConsumer {
  let client: KafkaClient
  private let options: KafkaOptions
  /// By service.
  private let topics: [OpaquePointer?]
  private let wake: WakeDescriptor?
  private var queues: [PartitionID: IngestQueue] = [:]

  /// - Parameter wake: notified when something arrives; nil for a thread that waits for one partition at a time.
  init(_ options: KafkaOptions, name: String, wake: WakeDescriptor?) throws(LogFailure) {
    self.options = options
    self.wake = wake
    client = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.ingester(options), name: name)
    let handle = client.handle
    topics = Service.allCases.map { rd_kafka_topic_new(handle, options.ingestTopic(of: $0), nil) }
    if let wake { client.wake(wake) }
  }

  deinit {
    for partition in queues.keys { stop(partition) }
    queues = [:]
    for topic in topics { if let topic { rd_kafka_topic_destroy(topic) } }
  }

  /// Reads a partition from an offset on; any earlier reading of it ends.
  /// - Throws: `LogFailure` if librdkafka refuses.
  func begin(_ partition: PartitionID, at offset: Int64) throws(LogFailure) -> IngestQueue {
    end(partition)
    guard let topic = topics[Int(partition.service.rawValue)], let queue = IngestQueue(client, wake: wake) else {
      throw LogFailure(.read, "no memory for a Kafka queue")
    }
    guard rd_kafka_consume_start_queue(topic, Int32(partition.index), offset, queue.handle) == 0 else {
      throw LogFailure(.read, KafkaLibrary.text(rd_kafka_last_error()))
    }
    queues[partition] = queue
    return queue
  }

  /// Stops reading it. What is in its queue is dropped.
  func end(_ partition: PartitionID) {
    guard queues[partition] != nil else { return }
    stop(partition)
    queues[partition] = nil
  }

  private func stop(_ partition: PartitionID) {
    if let topic = topics[Int(partition.service.rawValue)] { rd_kafka_consume_stop(topic, Int32(partition.index)) }
  }

  /// Which offsets a partition has. Blocking; nil if no broker says so in time.
  func bounds(of partition: PartitionID) -> LogBounds? {
    var (low, high) = (Int64(-1), Int64(-1))
    let code = rd_kafka_query_watermark_offsets(
      client.handle, options.ingestTopic(of: partition.service), Int32(partition.index), &low, &high,
      IngestLimits.questionMilliseconds)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, low >= 0, high >= low else { return nil }
    return LogBounds(first: low, next: high)
  }

  /// The end of a partition as the newest fetch knew it; nil before the first.
  func knownEnd(of partition: PartitionID) -> Int64? {
    var (low, high) = (Int64(-1), Int64(-1))
    let code = rd_kafka_get_watermark_offsets(
      client.handle, options.ingestTopic(of: partition.service), Int32(partition.index), &low, &high)
    return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
  }
}
