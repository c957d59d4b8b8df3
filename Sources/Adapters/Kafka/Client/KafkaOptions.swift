import Model

/// How Kassa uses a Kafka cluster. Every bound of the log is named here.
public struct KafkaOptions: Sendable {
  /// `HOST:PORT`, several separated by commas: where the cluster is found.
  public var brokers: String
  /// This process's name in the brokers' logs and in its groups: the pod's name.
  public var clientName = "kassa"
  /// The topics are called `PREFIXorders`, `PREFIXstock`, `PREFIXpayments` and `PREFIXowners`, the groups likewise.
  public var prefix = "kassa."
  public var partitioner: Partitioner
  /// librdkafka's other settings: SASL, TLS, buffers.
  public var properties = KafkaProperties()

  /// A record not acknowledged for this long is given up; its fate is unknown.
  public var commandTimeoutMilliseconds = 5_000
  /// The connection to a broker that does not answer for this long is dropped. Longer than a broker takes to notice
  /// that another one died, which delays its acknowledgements.
  public static let silenceMillisecondsMax = 10_000
  /// How long one query to the cluster may take: offsets, metadata.
  public var queryTimeoutMilliseconds = 10_000
  /// How long `close` waits for what was appended.
  public var closeTimeoutMilliseconds = 10_000

  /// Bytes of one record; anything larger travels as several.
  public var recordBytesMax = 900_000
  /// Records sent but not acknowledged; beyond this the log is backlogged, and new commands are refused.
  public var queuedRecordsMax = 65_536
  /// The same in bytes.
  public var queuedBytesMax = 64 << 20
  /// Kilobytes that librdkafka reads ahead for one owner.
  public var readAheadKilobytesMax = 16_384
  /// Delivery reports taken at once.
  public var reportsMax = 4_096

  /// How long a member of a group may be silent before its partitions go to others. Brokers allow 6 s to 30 min
  /// unless `group.min.session.timeout.ms` says otherwise.
  public var sessionTimeoutMilliseconds = 6_000
  public var heartbeatMilliseconds = 300

  public init(brokers: String, partitioner: Partitioner) {
    self.brokers = brokers
    self.partitioner = partitioner
  }

  /// What stores and pods belong to: Kafka's own id with the topics' prefix. One Kafka may carry several of
  /// Kassa's clusters.
  public func clusterName(_ kafkaID: String) -> String { "\(kafkaID)/\(prefix)" }

  public func topic(of service: Service) -> String { "\(prefix)\(service.name)" }
  /// Where pods announce who owns what.
  public var ownersTopic: String { Self.ownersTopic(prefix: prefix) }
  static func ownersTopic(prefix: String) -> String { "\(prefix)owners" }
  /// Where other systems write commands for a service.
  public func ingestTopic(of service: Service) -> String { Self.ingestTopic(of: service, prefix: prefix) }
  static func ingestTopic(of service: Service, prefix: String) -> String { "\(prefix)\(service.name).ingest" }
  /// Where those go that were refused.
  public var refusedTopic: String { Self.refusedTopic(prefix: prefix) }
  static func refusedTopic(prefix: String) -> String { "\(prefix)refused" }
  public func group(of service: Service) -> String { "\(prefix)\(service.name)" }

  /// Lines of an order whose checkout still fits into a record, whatever its items' names.
  public static let orderLinesMax = 8_192
  /// The largest entry that the core can make, a slip with all lines that an order may have, needs less.
  static let recordBytesMin = 131_072
  /// What a record's head may add to its bytes.
  static let recordOverheadBytesMax = 1_024

  /// A sentence about the first setting that is out of range or contradicts another.
  public var contradiction: String? {
    if brokers.isEmpty { return "no broker is given: HOST:PORT" }
    if !Self.isTopicName(ingestTopic(of: .payments)) {
      return "the prefix '\(prefix)' gives no valid topic name: at most 233 characters of A–Z a–z 0–9 . _ -"
    }
    if !(100...300_000).contains(commandTimeoutMilliseconds) {
      return "the time limit of commands must be 100…300000 ms"
    }
    if !(Self.recordBytesMin...100_000_000).contains(recordBytesMax) {
      return "the bytes of a record must be \(Self.recordBytesMin)…100000000"
    }
    let all = [
      queuedRecordsMax, queuedBytesMax, readAheadKilobytesMax, reportsMax, queryTimeoutMilliseconds,
      closeTimeoutMilliseconds, heartbeatMilliseconds,
    ]
    if all.contains(where: { $0 < 1 }) { return "every bound of the log must be at least 1" }
    if queuedBytesMax < recordBytesMax { return "the queued bytes must hold at least one record" }
    if sessionTimeoutMilliseconds < 3 * heartbeatMilliseconds {
      return "a session (\(sessionTimeoutMilliseconds) ms) must last three heartbeats (\(heartbeatMilliseconds) ms)"
    }
    return nil
  }

  private static func isTopicName(_ name: String) -> Bool {
    name.utf8.count <= 249
      && name.unicodeScalars.allSatisfy {
        $0.isASCII
          && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "._-".unicodeScalars.contains($0))
      }
  }
}
