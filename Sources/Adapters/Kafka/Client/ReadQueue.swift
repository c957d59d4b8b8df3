import CRdKafka
import Ports
import Wire

/// A queue of librdkafka that partitions of one lane are read into.
///
/// `@unchecked Sendable` is safe: the handles are constant, and the buffer is touched by `take` alone, which its lane's
/// lock guards.
final class ReadQueue: @unchecked Sendable {
  /// Records taken from librdkafka in one call.
  static let batchMax = 1_024

  let handle: OpaquePointer
  /// The queue's client, which ends after it.
  let reader: KafkaReader
  private let batch: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>

  init(_ reader: KafkaReader, wake: WakeDescriptor) throws(LogFailure) {
    guard let handle = reader.makeQueue() else { throw LogFailure(.read, "no memory for a Kafka queue") }
    (self.handle, self.reader) = (handle, reader)
    batch = .allocate(capacity: Self.batchMax)
    batch.initialize(repeating: nil, count: Self.batchMax)
    wake.arm(handle)
  }

  deinit {
    rd_kafka_queue_io_event_enable(handle, -1, nil, 0)
    rd_kafka_queue_destroy(handle)
    batch.deallocate()
  }

  /// Takes at most `count` messages, passing each to `body`. Returns whether there may be more.
  func take(_ count: Int, _ body: (rd_kafka_message_t) -> Void) -> Bool {
    let wanted = max(1, min(count, Self.batchMax))
    let taken = rd_kafka_consume_batch_queue(handle, 0, batch, wanted)
    guard taken > 0 else { return false }
    for place in 0..<min(taken, wanted) {
      guard let message = batch[place] else { continue }
      body(message.pointee)
      rd_kafka_message_destroy(message)
    }
    return taken >= wanted
  }
}

extension LoggedRecord.Content {
  /// What a message of a topic holds.
  init(_ message: rd_kafka_message_t) {
    let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.payload == nil ? 0 : message.len)
    guard !bytes.isEmpty else {
      self = .undecodable(reason: "the record has no bytes")
      return
    }
    do throws(WireError) {
      self = .record(try LogRecordCodec.decode(bytes))
    } catch {
      self = .undecodable(reason: error.reason)
    }
  }
}
