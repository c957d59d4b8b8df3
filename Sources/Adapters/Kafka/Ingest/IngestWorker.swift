import CRdKafka
import Clocks
import Model
import PartitionCore
import Ports
import Streams

/// What the thread of a `KafkaIngest` does: reads the topics of the partitions that are followed, as far as owners have
/// room, and hands over what they hold.
final class IngestWorker {
  private let options: KafkaOptions
  private let skipsLost: Bool
  private let shared: IngestShared
  private let consumer: IngestConsumer
  private var followed: [PartitionID: Followed] = [:]
  private var lagsAt: Int64 = 0

  private struct Followed {
    var reading: IngestReading
    /// nil while it cannot be read.
    var queue: IngestQueue?
    /// Read, and not yet handed over.
    var batch: [LoggedInput] = []
    /// When to read again, by the monotonic clock.
    var retryAt: Int64?
    /// What was reported of it last, so that nothing is reported twice.
    var reported = ""
    var isStopped = false
  }

  init(_ options: KafkaOptions, skipsLost: Bool, _ shared: IngestShared) throws(LogFailure) {
    self.options = options
    self.skipsLost = skipsLost
    self.shared = shared
    consumer = try IngestConsumer(options, name: "ingest", wake: shared.wake)
  }

  func run() {
    while !shared.isEnding {
      for request in shared.takeRequests() { perform(request) }
      let now = MonotonicClock.milliseconds
      var isBusy = false
      for partition in followed.keys.sorted() { isBusy = look(partition, now) || isBusy }
      while consumer.client.nextEvent({ if let news = consumer.client.news($0) { shared.report(news) } }) {}
      if now >= lagsAt { noteLags(now) }
      if !isBusy { shared.wake.wait(milliseconds: IngestLimits.idleMilliseconds) }
    }
  }

  private func perform(_ request: IngestShared.Request) {
    switch request {
    case .follow(let partition, let owner, let number):
      consumer.end(partition)
      followed[partition] = Followed(reading: IngestReading(owner: owner, after: number))
      begin(partition)
    case .leave(let partition, let owner):
      guard followed[partition]?.reading.owner == owner else { return }
      consumer.end(partition)
      followed[partition] = nil
      shared.forget(partition)
    case .durable(let partition, let owner, let number):
      guard followed[partition]?.reading.owner == owner else { return }
      followed[partition]?.reading.durable(through: number)
    }
  }

  /// Reads a partition from where its owner is.
  private func begin(_ partition: PartitionID) {
    guard let offset = followed[partition]?.reading.nextOffset else { return }
    followed[partition]?.retryAt = nil
    do throws(LogFailure) {
      followed[partition]?.queue = try consumer.begin(partition, at: offset)
    } catch {
      trouble(partition, error.message)
    }
  }

  /// Hands over what a partition has, up to a batch. Returns whether there may be more that its owner has room for.
  private func look(_ partition: PartitionID, _ now: Int64) -> Bool {
    guard var one = followed[partition] else { return false }
    if let due = one.retryAt, due <= now {
      begin(partition)
      return true
    }
    var failure: rd_kafka_resp_err_t?
    let room = one.batch.isEmpty ? one.reading.room : 0
    var looks = 0
    while failure == nil, looks < room, let queue = one.queue,
      queue.take({ message in
        if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
          read(message, of: partition, &one)
        } else {
          failure = message.pointee.err
        }
      })
    { looks += 1 }
    let isTaken = one.batch.isEmpty || shared.deliver(.inputs(one.batch, partition, one.reading.owner))
    if isTaken {
      shared.count(one.batch, of: partition.service)
      one.batch = []
    }
    if looks > 0, failure == nil { (one.reported, one.isStopped) = ("", false) }
    followed[partition] = one
    if let failure { failed(partition, failure) }
    return isTaken && looks > 0
  }

  private func read(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>, of partition: PartitionID, _ one: inout Followed
  ) {
    guard let number = one.reading.take(message.pointee.offset, bytes: message.pointee.len) else { return }
    let command = try? IngestRecord(message).command(for: partition, as: number, options.partitioner)
    one.batch.append(LoggedInput(ingested: number, command))
  }

  // MARK: Trouble

  private func failed(_ partition: PartitionID, _ code: rd_kafka_resp_err_t) {
    switch code {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: outOfRange(partition)
    // It continues by itself.
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      report(partition, .trouble(client: "ingest", text: "\(partition): \(KafkaLibrary.text(code))"))
    default: trouble(partition, KafkaLibrary.text(code))
    }
  }

  /// It cannot be read now; in a while it is tried again.
  private func trouble(_ partition: PartitionID, _ text: String) {
    consumer.end(partition)
    followed[partition]?.queue = nil
    followed[partition]?.retryAt = MonotonicClock.milliseconds + IngestLimits.retryMilliseconds
    report(partition, .trouble(client: "ingest", text: "\(partition): \(text)"))
  }

  /// The topic does not have what comes next: retention has removed it, or it is another topic, or an election has set
  /// its end back for a while.
  private func outOfRange(_ partition: PartitionID) {
    guard let reading = followed[partition]?.reading else { return }
    guard let bounds = consumer.bounds(of: partition) else {
      return trouble(partition, "the brokers do not report which records its ingest topic has")
    }
    let lost = reading.lost(before: bounds.first)
    if lost == 0, reading.nextOffset <= bounds.next {
      followed[partition]?.isStopped = false
      return trouble(partition, "the ingest topic had no offset \(reading.nextOffset), and has it now")
    }
    if lost > 0, skipsLost {
      shared.report(.ingestLost(partition, records: lost))
      do throws(LogFailure) {
        followed[partition]?.queue = try consumer.begin(partition, at: bounds.first)
      } catch {
        trouble(partition, error.message)
      }
      return
    }
    let reason =
      lost > 0
      ? "its topic begins at offset \(bounds.first), and \(reading.nextOffset) comes next: retention has removed "
        + "\(lost) records that were not taken; with ingest=skip-lost it continues without them"
      : "its topic ends at offset \(bounds.next), and \(reading.nextOffset) comes next: it has lost records, or was "
        + "made again"
    consumer.end(partition)
    followed[partition]?.queue = nil
    followed[partition]?.isStopped = true
    // What an election set back comes again.
    followed[partition]?.retryAt = MonotonicClock.milliseconds + IngestLimits.retryMilliseconds
    report(partition, .ingestStopped(partition, reason: reason))
  }

  private func report(_ partition: PartitionID, _ event: KafkaEvent) {
    let text = "\(event)"
    guard followed[partition]?.reported != text else { return }
    followed[partition]?.reported = text
    shared.report(event)
  }

  private func noteLags(_ now: Int64) {
    lagsAt = now + IngestLimits.lagMilliseconds
    for (partition, one) in followed {
      let end = consumer.knownEnd(of: partition)
      let lag = end.map { max(0, $0 - Int64(clamping: one.reading.durable)) } ?? 0
      shared.note(partition, KafkaIngest.Figures(lag: lag, isStopped: one.isStopped))
    }
  }
}
