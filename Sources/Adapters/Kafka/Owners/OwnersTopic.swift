import CRdKafka
import Ports
import Model
import Wire

/// The topic of the map of owners: one producer and one consumer without a group. Used by one thread at a time.
///
/// `@unchecked Sendable` is safe: the handles are constant, and librdkafka's calls on them may come from any thread.
final class OwnersTopic: @unchecked Sendable {
  /// A record that was read.
  struct Row {
    let offset: Int64
    /// An error for what no version of ours wrote.
    let announcement: Result<Announcement, WireError>
    /// When a broker appended it, by the broker's clock in milliseconds since 1970-01-01 UTC; nil if the topic's
    /// records have their senders' time.
    var appendedMilliseconds: Int64?
  }

  /// What became of a record that was sent.
  struct Report {
    let tag: UInt
    /// nil if it was not acknowledged.
    let offset: Int64?
    let reason: String
  }

  static let rowsMax = 512
  /// For a record that somebody waits for.
  private static let awaitedTag: UInt = 1
  /// For the pod's own record when it is written again.
  static let podTag: UInt = 2
  /// For what is said on behalf of gone pods; nobody waits for it.
  static let goneTag: UInt = 3
  /// For what is announced of partitions, from here on.
  static let ownersTagMin: UInt = 16

  let producer: KafkaClient
  let reader: KafkaClient
  private let sendTopic: OpaquePointer
  private let readTopic: OpaquePointer
  private let queue: OpaquePointer
  private let wake: WakeDescriptor
  private let options: KafkaOptions

  /// Connects, and reads the topic from its beginning.
  /// - Throws: `LogFailure` if the options make no sense.
  init(_ options: KafkaOptions, wake: WakeDescriptor) throws(LogFailure) {
    self.options = options
    self.wake = wake
    producer = try KafkaClient(RD_KAFKA_PRODUCER, try KafkaConfiguration.announcer(options), name: "owners")
    reader = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.follower(options), name: "owners' reader")
    guard let sendTopic = rd_kafka_topic_new(producer.handle, options.ownersTopic, nil),
      let readTopic = rd_kafka_topic_new(reader.handle, options.ownersTopic, nil),
      let queue = rd_kafka_queue_new(reader.handle)
    else { throw LogFailure(.read, "no memory for the topic \(options.ownersTopic)") }
    (self.sendTopic, self.readTopic, self.queue) = (sendTopic, readTopic, queue)
    wake.arm(queue)
    producer.wake(wake)
    let beginning = Int64(RD_KAFKA_OFFSET_BEGINNING)
    guard rd_kafka_consume_start_queue(readTopic, 0, beginning, queue) == 0 else {
      throw LogFailure(
        .read, "\(options.ownersTopic) cannot be read: \(KafkaLibrary.text(rd_kafka_last_error()))")
    }
  }

  deinit {
    rd_kafka_consume_stop(readTopic, 0)
    rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
    rd_kafka_queue_destroy(queue)
    rd_kafka_topic_destroy(readTopic)
    rd_kafka_topic_destroy(sendTopic)
  }

  /// Writes a record and waits for it. Returns its offset.
  /// - Throws: `LogFailure` if no broker acknowledges it in time, or one refuses it.
  func write(
    key: String, value: [UInt8]?, within milliseconds: Int, _ report: (KafkaEvent) -> Void
  ) throws(LogFailure) -> Int64 {
    if let reason = send(key: key, value: value, tag: Self.awaitedTag) {
      throw LogFailure(.unreachable, "\(options.ownersTopic): \(reason)")
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(milliseconds)
    while clock.now < deadline {
      if let answer = takeReports(report).first(where: { $0.tag == Self.awaitedTag }) {
        guard let offset = answer.offset else {
          throw LogFailure(.unreachable, "\(options.ownersTopic): \(answer.reason)")
        }
        return offset
      }
      wake.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
    throw LogFailure(.unreachable, "no broker of \(options.brokers) takes a record of \(options.ownersTopic)")
  }

  /// Sends a record; its report carries the tag. Returns why the producer refuses it, if it does.
  func send(key: String, value: [UInt8]?, tag: UInt) -> String? {
    let key = Array(key.utf8)
    let status = key.withUnsafeBytes { key in
      (value ?? []).withUnsafeBytes { bytes in
        // Copied: the payload is only read, whatever the C signature says. No payload makes a tombstone.
        rd_kafka_produce(
          sendTopic, 0, Int32(RD_KAFKA_MSG_F_COPY),
          value == nil ? nil : UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, key.baseAddress,
          key.count, UnsafeMutableRawPointer(bitPattern: tag))
      }
    }
    return status == 0 ? nil : KafkaLibrary.text(rd_kafka_last_error())
  }

  /// The reports that arrived, and news for the operator.
  func takeReports(_ report: (KafkaEvent) -> Void) -> [Report] {
    var reports: [DeliveryReport] = []
    while producer.nextEvent({ event in
      DeliveryReport.collect(event, into: &reports)
      if let news = producer.news(event) { report(news) }
    }) {}
    while reader.nextEvent({ if let news = reader.news($0) { report(news) } }) {}
    return reports.map {
      let isWritten = $0.code == RD_KAFKA_RESP_ERR_NO_ERROR
      return Report(
        tag: $0.tag, offset: isWritten ? $0.offset : nil, reason: isWritten ? "" : KafkaLibrary.text($0.code))
    }
  }

  /// Some of the records that arrived, oldest first; empty if there are none now.
  func takeRows(_ report: (KafkaEvent) -> Void) -> [Row] {
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<rd_kafka_message_t>?.self, capacity: Self.rowsMax) { batch in
      batch.initialize(repeating: nil)
      let count = rd_kafka_consume_batch_queue(queue, 0, batch.baseAddress, Self.rowsMax)
      var rows: [Row] = []
      for place in 0..<min(max(count, 0), Self.rowsMax) {
        guard let message = batch[place] else { continue }
        defer { rd_kafka_message_destroy(message) }
        guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
          report(.trouble(client: reader.name, text: KafkaLibrary.text(message.pointee.err)))
          continue
        }
        var row = Self.row(message.pointee)
        row.appendedMilliseconds = Self.appendTime(of: message)
        rows.append(row)
      }
      return rows
    }
  }

  /// What a record at an offset says.
  static func announcement(key: [UInt8], value: [UInt8], offset: Int64) throws(WireError) -> Announcement {
    var result: Result<Announcement, WireError> = .failure(WireError("nothing"))
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        result = Result { () throws(WireError) in
          try AnnouncementCodec.decode(key: key, value: value, offset: offset)
        }
      }
    }
    return try result.get()
  }

  private static func appendTime(of message: UnsafePointer<rd_kafka_message_t>) -> Int64? {
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let milliseconds = rd_kafka_message_timestamp(message, &type)
    return type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? milliseconds : nil
  }

  private static func row(_ message: rd_kafka_message_t) -> Row {
    let key = UnsafeRawBufferPointer(start: message.key, count: message.key == nil ? 0 : message.key_len)
    let value = message.payload.map { UnsafeRawBufferPointer(start: $0, count: message.len) }
    do throws(WireError) {
      let announcement = try AnnouncementCodec.decode(key: key, value: value, offset: message.offset)
      return Row(offset: message.offset, announcement: .success(announcement))
    } catch {
      return Row(offset: message.offset, announcement: .failure(error))
    }
  }
}
