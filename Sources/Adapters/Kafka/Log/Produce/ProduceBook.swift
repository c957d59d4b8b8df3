import CRdKafka
import Model

/// What a lane appends: waiting, on its way, or reported on. Pure; times are milliseconds of one clock.
///
/// A partition has one batch at a time, which is sent again until it is written or its time is up; what is
/// appended in the meantime is the next batch. So its records are written in the order in which they were
/// appended.
struct ProduceBook {
  /// Bytes that may wait or be on their way. Kassa's own bounds apply before this.
  static let queuedBytesMax = 1 << 30
  /// Bytes of the batches in one request, unless a single batch has more.
  static let requestBytesMax = 8 << 20
  /// How long a refused batch waits.
  static let retryMilliseconds: UInt64 = 50

  /// A batch on its way.
  struct Sent: Equatable {
    let slot: Int
    let serial: UInt64
  }

  private struct Item {
    let tag: UInt
    let bytes: [UInt8]
    let deadline: UInt64
  }

  private struct Batch {
    let serial: UInt64
    let items: [Item]
    let bytes: [UInt8]
    var isSent = false
    var notBefore: UInt64 = 0
    /// Why it was not taken yet.
    var code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
  }

  private struct Row {
    var leader: Int32?
    /// Why there is no leader.
    var code = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT
    var waiting: [Item] = []
    var batch: Batch?
    /// Whether it is in `ready`.
    var isListed = false
  }

  private let topics: [String]
  private let partitionCount: Int
  private let timeLimit: UInt64
  private let batchBytesMax: Int
  /// By slot.
  private var rows: [Row]
  /// Slots that have something to send.
  private var ready: [Int] = []
  private var lastSerial: UInt64 = 0
  private var queuedBytes = 0
  private var queuedItems = 0
  /// No deadline is earlier.
  private var nextDeadline = UInt64.max
  private var reports: [DeliveryReport] = []
  /// Whether what is known of leaders is incomplete or wrong.
  var wantsMetadata = true

  /// - Parameter topics: by service.
  init(topics: [String], partitionCount: Int, timeLimitMilliseconds: Int, batchBytesMax: Int) {
    self.topics = topics
    self.partitionCount = partitionCount
    self.batchBytesMax = batchBytesMax
    timeLimit = UInt64(max(timeLimitMilliseconds, 1))
    rows = Array(repeating: Row(), count: partitionCount * topics.count)
  }

  var isIdle: Bool { queuedItems == 0 }

  /// Takes a record. Returns false if there is no such partition, or no room.
  mutating func add(_ bytes: [UInt8], to partition: PartitionID, tag: UInt, at now: UInt64) -> Bool {
    guard let slot = partition.slot(of: partitionCount), rows.indices.contains(slot),
      queuedBytes + bytes.count <= Self.queuedBytesMax
    else { return false }
    let item = Item(tag: tag, bytes: bytes, deadline: now + timeLimit)
    rows[slot].waiting.append(item)
    queuedBytes += bytes.count
    queuedItems += 1
    nextDeadline = min(nextDeadline, item.deadline)
    if rows[slot].batch?.isSent != true { list(slot) }
    return true
  }

  private mutating func list(_ slot: Int) {
    guard !rows[slot].isListed else { return }
    rows[slot].isListed = true
    ready.append(slot)
  }

  // MARK: Sending

  /// The brokers that something can be sent to now. Asks for metadata if a leader is missing.
  mutating func leaders(at now: UInt64) -> [Int32] {
    var leaders: [Int32] = []
    for slot in ready {
      guard let leader = rows[slot].leader else {
        wantsMetadata = true
        continue
      }
      if rows[slot].batch?.notBefore ?? 0 <= now, !leaders.contains(leader) { leaders.append(leader) }
    }
    return leaders
  }

  /// Takes what should be sent to a broker, as much as one request holds, into `batches`.
  ///
  /// - Parameter time: of the records, in milliseconds since 1970.
  /// - Returns: what was taken, for `settle` or `lose`.
  mutating func take(
    for leader: Int32, at now: UInt64, time: Int64, into batches: inout [BrokerProtocol.TopicBatches]
  ) -> [Sent] {
    var sent: [Sent] = []
    var byteCount = 0
    batches = topics.map { BrokerProtocol.TopicBatches(topic: $0) }
    for slot in ready where rows[slot].leader == leader && rows[slot].batch?.notBefore ?? 0 <= now {
      guard let batch = batch(of: slot, time), sent.isEmpty || byteCount + batch.bytes.count <= Self.requestBytesMax
      else { continue }
      rows[slot].batch?.isSent = true
      rows[slot].isListed = false
      byteCount += batch.bytes.count
      batches[slot / partitionCount].batches.append((Int32(slot % partitionCount), batch.bytes))
      sent.append(Sent(slot: slot, serial: batch.serial))
    }
    batches.removeAll { $0.batches.isEmpty }
    ready.removeAll { !rows[$0].isListed }
    return sent
  }

  /// The partition's batch, made now if there is none.
  private mutating func batch(of slot: Int, _ time: Int64) -> Batch? {
    if let batch = rows[slot].batch { return batch }
    var count = 0
    var byteCount = 0
    for item in rows[slot].waiting {
      byteCount += item.bytes.count
      guard count == 0 || byteCount + (count + 1) * BrokerProtocol.batchOverheadBytesMax <= batchBytesMax else { break }
      count += 1
    }
    guard count > 0 else { return nil }
    let items = Array(rows[slot].waiting.prefix(count))
    rows[slot].waiting.removeFirst(count)
    lastSerial += 1
    let batch = Batch(
      serial: lastSerial, items: items, bytes: BrokerProtocol.batch(items.map(\.bytes), time: time))
    rows[slot].batch = batch
    return batch
  }

  // MARK: What became of it

  /// Notes what a broker answered to a request.
  /// - Returns: false if it did not report on each batch: it speaks another protocol.
  mutating func settle(_ sent: [Sent], _ placings: [BrokerProtocol.Placing], at now: UInt64) -> Bool {
    var bySlot: [Int: BrokerProtocol.Placing] = [:]
    for placing in placings {
      guard let service = topics.firstIndex(of: placing.topic), (0..<partitionCount).contains(Int(placing.partition))
      else { return false }
      bySlot[service * partitionCount + Int(placing.partition)] = placing
    }
    guard sent.allSatisfy({ bySlot[$0.slot] != nil }) else { return false }
    for one in sent {
      guard let placing = bySlot[one.slot], let batch = rows[one.slot].batch, batch.serial == one.serial else {
        continue
      }
      var code = rd_kafka_resp_err_t(rawValue: Int32(placing.code))
      if code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE { code = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE }
      if Self.passing.contains(placing.code) {
        retry(one.slot, code, notBefore: now + Self.retryMilliseconds)
      } else {
        finish(one.slot, code, offset: placing.offset)
      }
    }
    return true
  }

  /// Temporary errors: another leader, or the same one a little later, takes the batch.
  private static let passing = Set(
    [
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
    ].map { Int16(truncatingIfNeeded: $0.rawValue) })

  /// The connection that they were sent over is gone.
  mutating func lose(_ sent: [Sent], at now: UInt64) {
    for one in sent where rows[one.slot].batch?.serial == one.serial {
      retry(one.slot, RD_KAFKA_RESP_ERR__TRANSPORT, notBefore: now)
    }
  }

  private mutating func retry(_ slot: Int, _ code: rd_kafka_resp_err_t, notBefore: UInt64) {
    rows[slot].batch?.isSent = false
    rows[slot].batch?.notBefore = notBefore
    rows[slot].batch?.code = code
    list(slot)
    wantsMetadata = true
  }

  private mutating func finish(_ slot: Int, _ code: rd_kafka_resp_err_t, offset: Int64) {
    guard let batch = rows[slot].batch else { return }
    rows[slot].batch = nil
    let isPlaced = code == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0 && offset < Int64.max - Int64(batch.items.count)
    for (place, item) in batch.items.enumerated() {
      report(item, code, offset: isPlaced ? offset + Int64(place) : -1)
    }
    if !rows[slot].waiting.isEmpty { list(slot) }
  }

  private mutating func report(_ item: Item, _ code: rd_kafka_resp_err_t, offset: Int64) {
    queuedBytes -= item.bytes.count
    queuedItems -= 1
    reports.append(DeliveryReport(tag: item.tag, code: code, offset: offset))
  }

  /// Gives up what has waited too long, sent or not: nobody knows whether it was written.
  mutating func expire(at now: UInt64) {
    guard nextDeadline <= now else { return }
    nextDeadline = .max
    guard !isIdle else { return }
    for slot in rows.indices {
      if let batch = rows[slot].batch, let first = batch.items.first {
        if first.deadline <= now {
          // A leader that does not answer may no longer be one.
          wantsMetadata = true
          finish(slot, batch.code, offset: -1)
        } else {
          nextDeadline = min(nextDeadline, first.deadline)
        }
      }
      while let first = rows[slot].waiting.first {
        guard first.deadline <= now else {
          nextDeadline = min(nextDeadline, first.deadline)
          break
        }
        rows[slot].waiting.removeFirst()
        report(first, rows[slot].code, offset: -1)
      }
    }
    for slot in ready where rows[slot].batch == nil && rows[slot].waiting.isEmpty { rows[slot].isListed = false }
    ready.removeAll { !rows[$0].isListed }
  }

  mutating func takeReports() -> [DeliveryReport] {
    guard !reports.isEmpty else { return [] }
    defer { reports = [] }
    return reports
  }

  // MARK: Leaders

  /// Notes who leads what, as a broker says.
  mutating func learn(_ metadata: BrokerProtocol.Metadata) {
    wantsMetadata = false
    for topic in metadata.topics {
      guard let service = topics.firstIndex(of: topic.name) else { continue }
      for partition in 0..<partitionCount {
        let slot = service * partitionCount + partition
        rows[slot].leader = topic.leaders[Int32(partition)].flatMap { metadata.brokers[$0] == nil ? nil : $0 }
        rows[slot].code =
          topic.code == 0
          ? RD_KAFKA_RESP_ERR__MSG_TIMED_OUT : rd_kafka_resp_err_t(rawValue: Int32(topic.code))
      }
    }
  }
}
