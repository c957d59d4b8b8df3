import CRdKafka
import Model

/// What carries a lane's appends to the brokers: Kassa's own client where connections are plain, librdkafka's producer
/// where they take TLS or SASL, or where nobody lends a loop.
protocol RecordSender: AnyObject, Sendable {
  /// Takes a record over.
  /// - Returns: nil, or why it does not.
  func send(_ bytes: [UInt8], to partition: PartitionID, tag: UInt) -> rd_kafka_resp_err_t?

  /// Nothing more comes in this turn.
  func flush()

  /// Takes what became of records, about `countMax` of them, and what the operator should know.
  /// - Returns: whether there may be more.
  func takeReports(_ countMax: Int, into reports: inout [DeliveryReport], _ news: inout [KafkaEvent]) -> Bool

  /// Requests that were sent, where somebody counts them.
  var requestCount: UInt64 { get }

  /// The lane has ended: the next calls come from another thread, one after the other.
  func laneEnded()
}
