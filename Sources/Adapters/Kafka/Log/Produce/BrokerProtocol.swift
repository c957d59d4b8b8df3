/// The three Kafka protocol requests that appending needs, and their answers. Versions before the flexible ones:
/// all brokers from 2.1 to 4.x know them.
enum BrokerProtocol {
  enum Request: Int16 {
    case produce = 0
    case metadata = 3
    case versions = 18
  }

  static let produceVersion: Int16 = 7
  /// The first one where merely asking for a topic does not create it, and one that librdkafka's mock brokers know.
  static let metadataVersions: [Int16] = [4, 2]

  /// Appends a request: its head, and what `body` appends.
  static func append(
    _ request: Request, _ version: Int16, _ correlation: Int32, client: String, to bytes: inout [UInt8],
    _ body: (inout [UInt8]) -> Void
  ) {
    bytes.append { bytes in
      bytes.append(big: request.rawValue)
      bytes.append(big: version)
      bytes.append(big: correlation)
      bytes.append(kafkaText: client)
      body(&bytes)
    }
  }

  // MARK: Records

  /// The bytes that a batch of one record adds to the record's own, at most.
  static let batchOverheadBytesMax = 96

  /// A batch of records without keys: what a topic stores and checks by CRC.
  ///
  /// - Parameter time: in milliseconds since 1970.
  static func batch(_ records: [[UInt8]], time: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(records.reduce(64) { $0 + $1.count + 24 })
    bytes.append(big: Int64(0))
    bytes.append { bytes in
      // The leader's epoch, which the leader sets; the format's version.
      bytes.append(big: Int32(-1))
      bytes.append(2)
      let crc = bytes.count
      bytes.append(big: UInt32(0))
      bytes.append(big: Int16(0))
      bytes.append(big: Int32(truncatingIfNeeded: records.count - 1))
      bytes.append(big: time)
      bytes.append(big: time)
      // A producer that is not idempotent.
      bytes.append(big: Int64(-1))
      bytes.append(big: Int16(-1))
      bytes.append(big: Int32(-1))
      bytes.append(big: Int32(truncatingIfNeeded: records.count))
      for (place, record) in records.enumerated() {
        var head: [UInt8] = [0]
        head.append(varint: 0)
        head.append(varint: place)
        head.append(varint: -1)
        head.append(varint: record.count)
        bytes.append(varint: head.count + record.count + 1)
        bytes += head
        bytes += record
        bytes.append(varint: 0)
      }
      let checksum = bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[(crc + 4)...])) }
      bytes.replace(at: crc, with: checksum)
    }
    return bytes
  }

  // MARK: Produce

  /// The batches of one topic, by partition.
  struct TopicBatches {
    let topic: String
    var batches: [(partition: Int32, bytes: [UInt8])] = []
  }

  static func produce(_ topics: [TopicBatches], timeoutMilliseconds: Int, into bytes: inout [UInt8]) {
    // No transaction; acknowledged by all replicas in sync.
    bytes.append(big: Int16(-1))
    bytes.append(big: Int16(-1))
    bytes.append(big: Int32(clamping: timeoutMilliseconds))
    bytes.append(big: Int32(topics.count))
    for topic in topics {
      bytes.append(kafkaText: topic.topic)
      bytes.append(big: Int32(topic.batches.count))
      for (partition, batch) in topic.batches {
        bytes.append(big: partition)
        bytes.append(big: Int32(truncatingIfNeeded: batch.count))
        bytes += batch
      }
    }
  }

  /// What became of one batch.
  struct Placing: Equatable {
    let topic: String
    let partition: Int32
    let code: Int16
    /// Of the batch's first record.
    let offset: Int64
  }

  static func placings(_ cursor: inout BrokerCursor) -> [Placing]? {
    let topics = cursor.array { cursor -> [Placing]? in
      guard let topic = cursor.text() else { return nil }
      return cursor.array { cursor in
        guard let partition: Int32 = cursor.number(), let code: Int16 = cursor.number(),
          let offset: Int64 = cursor.number(), cursor.number(Int64.self) != nil, cursor.number(Int64.self) != nil
        else { return nil }
        return Placing(topic: topic, partition: partition, code: code, offset: offset)
      }
    }
    return topics.map { Array($0.joined()) }
  }

  // MARK: Metadata

  struct Endpoint: Hashable, CustomStringConvertible {
    let host: String
    let port: UInt16
    var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  /// Where the leaders of some topics' partitions are.
  struct Metadata: Equatable {
    /// By the broker's number.
    var brokers: [Int32: Endpoint] = [:]
    var topics: [Topic] = []

    struct Topic: Equatable {
      let name: String
      let code: Int16
      /// Of the partitions that have one.
      var leaders: [Int32: Int32]
    }
  }

  static func metadata(of topics: [String], _ version: Int16, into bytes: inout [UInt8]) {
    bytes.append(big: Int32(topics.count))
    for topic in topics { bytes.append(kafkaText: topic) }
    if version >= 4 { bytes.append(0) }
  }

  static func metadata(_ cursor: inout BrokerCursor, _ version: Int16) -> Metadata? {
    var metadata = Metadata()
    if version >= 3 { guard cursor.number(Int32.self) != nil else { return nil } }
    let brokers = cursor.array { cursor -> (Int32, Endpoint?)? in
      guard let number: Int32 = cursor.number(), let host = cursor.text(), let port: Int32 = cursor.number(),
        cursor.text() != nil
      else { return nil }
      return (number, UInt16(exactly: port).map { Endpoint(host: host, port: $0) })
    }
    // The cluster's id, its controller.
    guard let brokers, cursor.text() != nil, cursor.number(Int32.self) != nil, let topics = cursor.array(topic) else {
      return nil
    }
    for (number, endpoint) in brokers { metadata.brokers[number] = endpoint }
    metadata.topics = topics
    return metadata
  }

  private static func topic(_ cursor: inout BrokerCursor) -> Metadata.Topic? {
    guard let code: Int16 = cursor.number(), let name = cursor.text(), cursor.number(UInt8.self) != nil,
      let partitions = cursor.array(leader)
    else { return nil }
    var leaders: [Int32: Int32] = [:]
    for (partition, leader) in partitions where leader >= 0 { leaders[partition] = leader }
    return Metadata.Topic(name: name, code: code, leaders: leaders)
  }

  private static func leader(_ cursor: inout BrokerCursor) -> (partition: Int32, leader: Int32)? {
    // Behind the leader all replicas, and those in sync.
    guard cursor.number(Int16.self) != nil, let partition: Int32 = cursor.number(), let leader: Int32 = cursor.number(),
      cursor.array({ $0.number(Int32.self) }) != nil, cursor.array({ $0.number(Int32.self) }) != nil
    else { return nil }
    return (partition, leader)
  }

  // MARK: Versions

  /// Which version of the metadata request to send a broker, once it has said what it knows.
  enum Verdict: Equatable {
    case metadataVersion(Int16)
    /// It does not know what appending needs.
    case unfit
    case rubbish
  }

  static func verdict(_ cursor: inout BrokerCursor) -> Verdict {
    guard let code: Int16 = cursor.number() else { return .rubbish }
    guard code == 0 else { return .unfit }
    let ranges = cursor.array { cursor -> (key: Int16, first: Int16, last: Int16)? in
      guard let key: Int16 = cursor.number(), let first: Int16 = cursor.number(), let last: Int16 = cursor.number()
      else { return nil }
      return (key, first, last)
    }
    guard let ranges else { return .rubbish }
    func knows(_ request: Request, _ version: Int16) -> Bool {
      ranges.contains { $0.key == request.rawValue && $0.first <= version && version <= $0.last }
    }
    guard knows(.produce, produceVersion), let version = metadataVersions.first(where: { knows(.metadata, $0) }) else {
      return .unfit
    }
    return .metadataVersion(version)
  }
}
