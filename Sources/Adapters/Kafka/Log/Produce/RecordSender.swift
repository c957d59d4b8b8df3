import CRdKafka
import Model

/// What carries a lane's appends to the brokers: Kassa's own client if connections are plain, librdkafka's producer if
/// they need TLS or SASL, or if nobody lends a loop.
protocol RecordSender: AnyObject, Sendable {
  /// Takes a record.
  /// - Returns: nil, or why it refuses.
  func send(_ bytes: [UInt8], to partition: PartitionID, tag: UInt) -> rd_kafka_resp_err_t?

  /// Nothing more follows in this turn.
  func flush()

  /// Takes about `countMax` delivery reports, and what the operator should know.
  /// - Returns: whether there may be more.
  func takeReports(_ countMax: Int, into reports: inout [DeliveryReport], _ news: inout [KafkaEvent]) -> Bool

  /// Requests that were sent, if counted.
  var requestCount: UInt64 { get }

  /// The lane has ended: the next calls come from another thread, one after another.
  func laneEnded()
}
