import CRdKafka

/// Where one partition is read into.
final class IngestQueue {
  let handle: OpaquePointer
  /// Ends after the queue.
  private let client: KafkaClient

  init?(_ client: KafkaClient, wake: WakeDescriptor?) {
    guard let handle = rd_kafka_queue_new(client.handle) else { return nil }
    (self.handle, self.client) = (handle, client)
    wake?.arm(handle)
  }

  deinit {
    rd_kafka_queue_io_event_enable(handle, -1, nil, 0)
    rd_kafka_queue_destroy(handle)
  }

  /// Takes what comes next, waiting for it at most so long. Returns false if nothing came.
  func take(waiting milliseconds: Int32 = 0, _ body: (UnsafeMutablePointer<rd_kafka_message_t>) -> Void) -> Bool {
    guard let message = rd_kafka_consume_queue(handle, milliseconds) else { return false }
    body(message)
    rd_kafka_message_destroy(message)
    return true
  }
}

extension IngestRecord {
  /// What a message of a topic holds.
  init(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
    let read = message.pointee
    key = read.key.map { Array(UnsafeRawBufferPointer(start: $0, count: read.key_len)) }
    value = read.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: read.len)) } ?? []
    contentType = nil
    var headers: OpaquePointer?
    guard rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else { return }
    var (bytes, count): (UnsafeRawPointer?, Int) = (nil, 0)
    guard rd_kafka_header_get_last(headers, "content-type", &bytes, &count) == RD_KAFKA_RESP_ERR_NO_ERROR, let bytes
    else { return }
    contentType = String(decoding: UnsafeRawBufferPointer(start: bytes, count: min(count, 256)), as: UTF8.self)
  }
}
