import CRdKafka

/// What became of one record that a producer was given.
struct DeliveryReport {
  let tag: UInt
  let code: rd_kafka_resp_err_t
  /// -1 if unknown.
  let offset: Int64

  /// Reports copied from an event at once.
  private static let batchMax = 256

  /// Takes all reports from an event; other events have none.
  static func collect(_ event: OpaquePointer, into reports: inout [DeliveryReport]) {
    guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR else { return }
    withUnsafeTemporaryAllocation(of: UnsafePointer<rd_kafka_message_t>?.self, capacity: batchMax) { batch in
      batch.initialize(repeating: nil)
      while true {
        let count = rd_kafka_event_message_array(event, batch.baseAddress, batchMax)
        guard count > 0 else { return }
        for place in 0..<min(count, batchMax) {
          guard let message = batch[place]?.pointee else { continue }
          reports.append(
            DeliveryReport(tag: UInt(bitPattern: message._private), code: message.err, offset: message.offset))
        }
      }
    }
  }
}
