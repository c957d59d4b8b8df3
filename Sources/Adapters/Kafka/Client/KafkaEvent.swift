import Model

/// Something about Kafka that an operator should know. No event reveals a secret.
public enum KafkaEvent: Sendable, CustomStringConvertible {
  /// A line of librdkafka's own; `level` as in syslog, 0…7.
  case library(client: String, level: Int, text: String)
  /// A client has trouble that may be temporary: a broker is away, a permission is missing.
  case trouble(client: String, text: String)
  /// A partition's records can no longer be delivered.
  case partitionBroken(PartitionID, reason: String)
  /// A partition's ingest topic cannot be read any further; the partition itself keeps serving.
  case ingestStopped(PartitionID, reason: String)
  /// Records of a partition's ingest topic are lost, and what is left is taken, as the settings say.
  case ingestLost(PartitionID, records: Int64)

  public var description: String {
    switch self {
    case .library(let client, _, let text): "kafka \(client): \(text)"
    case .trouble(let client, let text): "kafka \(client): \(text)"
    case .partitionBroken(let partition, let reason): "\(partition) cannot be read any further: \(reason)"
    case .ingestStopped(let partition, let reason): "the ingest of \(partition) has stopped: \(reason)"
    case .ingestLost(let partition, let records): "the ingest of \(partition) continues without \(records) lost records"
    }
  }
}
