import Model

/// Something about Kafka that an operator should know. No event reveals a secret.
public enum KafkaEvent: Sendable, CustomStringConvertible {
  /// A line of librdkafka's own; `level` as in syslog, 0…7.
  case library(client: String, level: Int, text: String)
  /// A client has trouble that may pass: a broker is away, a permission is missing.
  case trouble(client: String, text: String)
  /// A partition's records can no longer be delivered.
  case partitionBroken(PartitionID, reason: String)

  public var description: String {
    switch self {
    case .library(let client, _, let text): "kafka \(client): \(text)"
    case .trouble(let client, let text): "kafka \(client): \(text)"
    case .partitionBroken(let partition, let reason): "\(partition) cannot be read on: \(reason)"
    }
  }
}
