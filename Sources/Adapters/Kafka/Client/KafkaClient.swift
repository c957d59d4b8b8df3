import CRdKafka
import Ports

/// One client of librdkafka with its queue of events. Ending it waits for the client's threads.
///
/// `@unchecked Sendable` is safe: both handles are constant, and librdkafka's calls on them may come from any thread.
final class KafkaClient: @unchecked Sendable {
  let handle: OpaquePointer
  /// Reports, errors and the library's lines.
  let events: OpaquePointer
  /// For the operator: `lane 0`, `reader`, …
  let name: String

  init(_ type: rd_kafka_type_t, _ configuration: consuming KafkaConfiguration, name: String) throws(LogFailure) {
    handle = try configuration.makeClient(type)
    self.name = name
    events = rd_kafka_queue_get_main(handle)
    rd_kafka_set_log_queue(handle, nil)
  }

  deinit {
    // The queue's reference is released before the client; what the client still holds is dropped.
    rd_kafka_queue_io_event_enable(events, -1, nil, 0)
    rd_kafka_queue_destroy(events)
    rd_kafka_destroy(handle)
  }

  /// Makes the queue of events write to the descriptor whenever it stops being empty.
  func wake(_ descriptor: WakeDescriptor) { descriptor.arm(events) }

  /// Passes the next waiting event to `body`; false if there is none.
  func nextEvent(of queue: OpaquePointer? = nil, _ body: (OpaquePointer) -> Void) -> Bool {
    guard let event = rd_kafka_queue_poll(queue ?? events, 0) else { return false }
    body(event)
    rd_kafka_event_destroy(event)
    return true
  }

  /// What an error or log line of the library says; nil for other events.
  func news(_ event: OpaquePointer) -> KafkaEvent? {
    switch rd_kafka_event_type(event) {
    case RD_KAFKA_EVENT_ERROR:
      let code = rd_kafka_event_error(event)
      let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
      return .trouble(client: name, text: "\(String(cString: rd_kafka_err2name(code))): \(text)")
    case RD_KAFKA_EVENT_LOG:
      var (facility, text): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
      var level: Int32 = 0
      guard rd_kafka_event_log(event, &facility, &text, &level) == 0, let text else { return nil }
      return .library(client: name, level: Int(level), text: String(cString: text))
    default:
      return nil
    }
  }
}
