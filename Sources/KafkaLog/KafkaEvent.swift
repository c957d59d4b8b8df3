import Model

/// Something about Kafka that an operator should know. No event tells a secret.
public enum KafkaEvent: Sendable, CustomStringConvertible {
  /// A line of librdkafka's own; `level` as in syslog, 0…7.
  case library(client: String, level: Int, text: String)
  /// A client has trouble that may pass: a broker is away, a permission is missing.
  case trouble(client: String, text: String)
  /// The outcome of so many commands is unknown.
  case commandsUnknown(Int, reason: String)
  /// Messages of these partitions were lost: they stop, and start again from their checkpoints.
  case messagesLost([PartitionID], reason: String)
  /// A partition's records cannot be handed over any more.
  case partitionBroken(PartitionID, reason: String)

  public var description: String {
    switch self {
    case .library(let client, _, let text): "kafka \(client): \(text)"
    case .trouble(let client, let text): "kafka \(client): \(text)"
    case .commandsUnknown(let count, let reason): "the outcome of \(count) commands is unknown: \(reason)"
    case .messagesLost(let partitions, let reason):
      "messages of \(partitions.map(\.description).joined(separator: ", ")) were lost: \(reason)"
    case .partitionBroken(let partition, let reason): "\(partition) cannot be read on: \(reason)"
    }
  }
}
