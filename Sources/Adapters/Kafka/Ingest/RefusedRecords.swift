import CRdKafka
import Clocks
import Lanes
import Model
import PartitionCore
import Ports
import Streams

/// Writes refused commands to their topic, with the reason. Runs on a separate thread.
///
/// A partition's state keeps only that a command was refused, and why; so the record itself is read again from its
/// ingest topic. Owners hand a refusal over until they hear that it is written, so it can be there twice.
final class RefusedRecords {
  private let options: KafkaOptions
  private let shared: IngestShared
  private let describe: @Sendable (CommandReply) -> (code: String, reason: String)
  /// Made for the first refusal.
  private var clients: (producer: KafkaClient, consumer: IngestConsumer)?

  /// Records written in one round.
  static let roundRecordsMax = 256
  /// Bytes of the records of one round; a single one may exceed it.
  static let roundBytesMax = 8 << 20
  /// Up to this many records are read over on the way from one wanted record to the next; beyond that, reading starts
  /// again at the wanted one.
  static let distanceMax: Int64 = 2_000
  /// How long a record of the ingest topic may take to come.
  static let readMilliseconds: Int64 = 10_000
  static let retryMilliseconds = 1_000

  init(
    _ options: KafkaOptions, _ shared: IngestShared,
    _ describe: @escaping @Sendable (CommandReply) -> (code: String, reason: String)
  ) {
    self.options = options
    self.shared = shared
    self.describe = describe
  }

  func run() {
    while !shared.isEnding {
      let refusals = shared.nextRefusals(Self.roundRecordsMax)
      guard !refusals.isEmpty else {
        shared.refused.wait()
        continue
      }
      do throws(LogFailure) {
        try write(refusals)
      } catch {
        // Reports on what was sent so far must not count for the next round.
        clients = nil
        shared.report(.trouble(client: "ingest", text: "refused commands cannot be written: \(error.message)"))
        _ = shared.refused.wait(milliseconds: Self.retryMilliseconds)
      }
    }
  }

  private func write(_ refusals: [IngestShared.Refusal]) throws(LogFailure) {
    let (producer, consumer) = try openClients()
    let originals = try read(refusals, with: consumer)
    let done = Array(refusals.prefix(originals.count))
    try produce(zip(done, originals).map { ($0, $1) }, with: producer)
    shared.written(done)
    for (owner, own) in Dictionary(grouping: done, by: \.owner) {
      guard let partition = own.first?.partition else { continue }
      let event = IngestEvent.reported(own.map(\.reply.request), partition, owner)
      while !shared.deliver(event), !shared.isEnding { _ = shared.refused.wait(milliseconds: 10) }
    }
  }

  private func openClients() throws(LogFailure) -> (KafkaClient, IngestConsumer) {
    if let clients { return clients }
    let producer = try KafkaClient(
      RD_KAFKA_PRODUCER, try KafkaConfiguration.appender(options), name: "ingest refusals")
    let opened = (producer, try IngestConsumer(options, name: "ingest originals", wake: nil))
    clients = opened
    return opened
  }

  // MARK: Reading

  /// The records of the first of some refusals, ascending; nil where the topic no longer has one.
  private func read(
    _ refusals: [IngestShared.Refusal], with consumer: IngestConsumer
  ) throws(LogFailure) -> [IngestRecord?] {
    guard let partition = refusals.first?.partition else { return [] }
    defer { consumer.end(partition) }
    var found: [IngestRecord?] = []
    var bytes = 0
    var queue: IngestQueue?
    var next: Int64 = -1
    // Read one too far, for a later refusal.
    var ahead: (offset: Int64, record: IngestRecord)?
    for refusal in refusals where bytes < Self.roundBytesMax {
      let wanted = Int64(clamping: refusal.reply.request.number) - 1
      if let held = ahead, held.offset >= wanted {
        found.append(held.offset == wanted ? held.record : nil)
        continue
      }
      if queue == nil || wanted < next || wanted - next > Self.distanceMax {
        queue = try consumer.begin(partition, at: wanted)
        next = wanted
      }
      let deadline = MonotonicClock.milliseconds + Self.readMilliseconds
      var isGone = false
      while next <= wanted, !isGone {
        guard MonotonicClock.milliseconds < deadline, !shared.isEnding else {
          throw LogFailure(.unreachable, "\(partition): its ingest topic does not give offset \(wanted)")
        }
        _ = queue?.take(waiting: 100) { message in
          switch message.pointee.err {
          case RD_KAFKA_RESP_ERR_NO_ERROR:
            ahead = (message.pointee.offset, IngestRecord(message))
            next = message.pointee.offset + 1
          case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: isGone = true
          default: break
          }
        }
      }
      if isGone { queue = nil }
      let record = ahead?.offset == wanted ? ahead?.record : nil
      bytes += record?.value.count ?? 0
      found.append(record)
    }
    return found
  }

  // MARK: Writing

  private func produce(
    _ records: [(refusal: IngestShared.Refusal, original: IngestRecord?)], with producer: KafkaClient
  ) throws(LogFailure) {
    for (place, record) in records.enumerated() {
      let code = send(record.refusal, record.original, tag: UInt(place + 1), with: producer)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw LogFailure(.write, KafkaLibrary.text(code)) }
    }
    var reports: [DeliveryReport] = []
    let pause = Signal()
    // The producer itself gives up in time.
    while reports.count < records.count {
      let isAny = producer.nextEvent { event in
        DeliveryReport.collect(event, into: &reports)
        if let news = producer.news(event) { shared.report(news) }
      }
      if !isAny { _ = pause.wait(milliseconds: 2) }
    }
    if let failed = reports.first(where: { $0.code != RD_KAFKA_RESP_ERR_NO_ERROR }) {
      throw LogFailure(.write, KafkaLibrary.text(failed.code))
    }
  }

  private func send(
    _ refusal: IngestShared.Refusal, _ original: IngestRecord?, tag: UInt, with producer: KafkaClient
  ) -> rd_kafka_resp_err_t {
    let (code, reason) = describe(refusal, original)
    // What the topic would not accept can be found at its source.
    let value = original.flatMap { $0.value.count <= options.recordBytesMax ? $0.value : nil }
    guard let headers = rd_kafka_headers_new(6) else { return RD_KAFKA_RESP_ERR__FAIL }
    for (name, text) in [
      ("code", code), ("reason", reason), ("topic", options.ingestTopic(of: refusal.partition.service)),
      ("partition", String(refusal.partition.index)), ("offset", String(Int64(refusal.reply.request.number) - 1)),
    ] {
      rd_kafka_header_add(headers, name, -1, text, text.utf8.count)
    }
    if let type = original?.contentType { rd_kafka_header_add(headers, "content-type", -1, type, type.utf8.count) }
    let key = original?.key
    let status = Self.withBytes(key) { key in
      Self.withBytes(value) { value in
        kassa_produce(
          producer.handle, options.refusedTopic, key.baseAddress, key.count, value.baseAddress, value.count, headers,
          UnsafeMutableRawPointer(bitPattern: tag))
      }
    }
    if status != RD_KAFKA_RESP_ERR_NO_ERROR { rd_kafka_headers_destroy(headers) }
    return status
  }

  private static func withBytes<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    guard let bytes else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    return bytes.withUnsafeBytes(body)
  }

  private func describe(
    _ refusal: IngestShared.Refusal, _ original: IngestRecord?
  ) -> (code: String, reason: String) {
    guard case .skipped(let request, .unreadable) = refusal.reply else { return describe(refusal.reply) }
    guard let original else {
      return (IngestFlaw.code, "The record was not a command for this partition, and its topic no longer has it.")
    }
    do throws(IngestFlaw) {
      _ = try original.command(for: refusal.partition, as: request.number, options.partitioner)
      return (IngestFlaw.code, "The pod that took the record could not read it as a command; newer pods can.")
    } catch {
      return (IngestFlaw.code, error.reason)
    }
  }
}
