import CRdKafka
import EventLog
import Model
import Synchronization
import Wire

/// What one owner gets: a queue of librdkafka that its partitions' queues are forwarded to, and where each stands.
///
/// `@unchecked Sendable` is safe: the queue's handle and the buffer are constant; the buffer's memory and everything
/// else that changes is touched under `state` alone.
final class KafkaInbox: @unchecked Sendable {
  /// Records taken from librdkafka in one call.
  static let batchRecordsMax = 1_024

  let owner: any LogOwner
  let wake: WakeDescriptor
  let queue: OpaquePointer
  private let reader: KafkaReader
  private let partitionCount: Int
  private let batch: UnsafeMutablePointer<UnsafeMutablePointer<rd_kafka_message_t>?>
  private let state: Mutex<State>

  private struct State: Sendable {
    /// By slot; nil for what is not this owner's.
    var cursors: [PartitionCursor?]
    /// Partitions that broke, to be handed over once.
    var broken: [Delivery] = []
  }

  /// What one call took.
  struct Taken {
    var deliveries: [Delivery] = []
    /// The queue may hold more.
    var hasMore = false
    var events: [KafkaEvent] = []
  }

  init(_ owner: any LogOwner, _ reader: KafkaReader, partitionCount: Int) throws(LogFailure) {
    self.owner = owner
    self.reader = reader
    self.partitionCount = partitionCount
    wake = try WakeDescriptor()
    guard let queue = reader.makeQueue() else { throw LogFailure(.read, "no memory for a queue of Kafka") }
    self.queue = queue
    batch = .allocate(capacity: Self.batchRecordsMax)
    batch.initialize(repeating: nil, count: Self.batchRecordsMax)
    let slots = partitionCount * Service.allCases.count
    state = Mutex(State(cursors: Array(repeating: nil, count: slots)))
    wake.arm(queue)
  }

  /// The queue goes before the client that it is of, which `reader` holds, and before the descriptor.
  deinit {
    rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
    rd_kafka_queue_destroy(queue)
    batch.deallocate()
  }

  private func slot(of partition: PartitionID) -> Int {
    Int(partition.service.rawValue) * partitionCount + Int(partition.index)
  }

  // MARK: What is read

  /// From now on the partition is this owner's, from `next` on.
  func begin(_ partition: PartitionID, next: Int64) {
    state.withLock { state in
      state.cursors[slot(of: partition)] = PartitionCursor(next: next)
      state.broken.removeAll { $0.partition == partition }
    }
  }

  func end(_ partition: PartitionID) {
    state.withLock { state in
      state.cursors[slot(of: partition)] = nil
      state.broken.removeAll { $0.partition == partition }
    }
  }

  /// The offset of the partition's next record; nil when it is not this owner's.
  func next(of partition: PartitionID) -> Int64? {
    state.withLock { $0.cursors[slot(of: partition)]?.next }
  }

  /// Takes nothing more of a partition, or goes on; returns the offset of its next record, nil when it is not this
  /// owner's or is broken.
  func setPaused(_ isPaused: Bool, _ partition: PartitionID) -> Int64? {
    state.withLock { state in
      guard let cursor = state.cursors[slot(of: partition)], !cursor.isBroken else { return nil }
      state.cursors[slot(of: partition)]?.isPaused = isPaused
      return cursor.next
    }
  }

  /// Ends a partition for a reason that did not come with its records. Returns whether it is this owner's.
  func breakOff(_ partition: PartitionID, _ reason: String) -> Bool {
    let isOwn = state.withLock { Self.breakOff(&$0, slot(of: partition), partition, at: nil, reason) }
    if isOwn { owner.deliveriesArrived() }
    return isOwn
  }

  private static func breakOff(
    _ state: inout State, _ slot: Int, _ partition: PartitionID, at offset: Int64?, _ reason: String
  ) -> Bool {
    guard let cursor = state.cursors[slot] else { return false }
    state.cursors[slot]?.breakOff()
    state.broken.append(
      Delivery(
        partition: partition, offset: offset ?? cursor.next, position: .zero, content: .broken(reason: reason)))
    return true
  }

  // MARK: Taking

  /// Partitions that broke since the last call.
  func takeBroken() -> [Delivery] {
    state.withLock { state in
      defer { state.broken = [] }
      return state.broken
    }
  }

  /// Takes up to `recordsMax` records.
  func take(recordsMax: Int) -> Taken {
    state.withLock { state in
      var taken = Taken()
      while taken.deliveries.count < recordsMax {
        let wanted = min(recordsMax - taken.deliveries.count, Self.batchRecordsMax)
        let count = rd_kafka_consume_batch_queue(queue, 0, batch, wanted)
        guard count > 0 else { return taken }
        for place in 0..<min(count, wanted) {
          guard let message = batch[place] else { continue }
          admit(message.pointee, &state, into: &taken)
          rd_kafka_message_destroy(message)
        }
        if count < wanted { return taken }
      }
      taken.hasMore = true
      return taken
    }
  }

  private func admit(_ message: rd_kafka_message_t, _ state: inout State, into taken: inout Taken) {
    guard let service = reader.service(of: message.rkt), (0..<partitionCount).contains(Int(message.partition)) else {
      if message.err != RD_KAFKA_RESP_ERR_NO_ERROR {
        taken.events.append(.trouble(client: "reader", text: KafkaLibrary.text(message.err)))
      }
      return
    }
    let partition = PartitionID(service, UInt16(message.partition))
    guard message.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return admitError(message, of: partition, &state, &taken) }
    // A partition that went to another owner may still have records here.
    switch state.cursors[slot(of: partition)]?.admit(message.offset) {
    case nil, .drop: break
    case .deliver:
      taken.deliveries.append(
        Delivery(partition: partition, offset: message.offset, position: .zero, content: Self.content(message)))
    case .gap(let expected):
      let reason = "a gap in the topic: offset \(expected) was expected, \(message.offset) came"
      _ = Self.breakOff(&state, slot(of: partition), partition, at: message.offset, reason)
      taken.events.append(.partitionBroken(partition, reason: reason))
      taken.hasMore = true
    }
  }

  private func admitError(
    _ message: rd_kafka_message_t, of partition: PartitionID, _ state: inout State, _ taken: inout Taken
  ) {
    let text = KafkaLibrary.text(message.err)
    switch message.err {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      guard let cursor = state.cursors[slot(of: partition)], !cursor.isBroken else { return }
      let reason = "the topic has no offset \(cursor.next): retention removed it, or it is another topic (\(text))"
      _ = Self.breakOff(&state, slot(of: partition), partition, at: nil, reason)
      taken.events.append(.partitionBroken(partition, reason: reason))
      taken.hasMore = true
    default:
      // The library tries again where it stood; the cursor would see a record that was left out.
      taken.events.append(.trouble(client: "reader", text: "\(partition): \(text)"))
    }
  }

  private static func content(_ message: rd_kafka_message_t) -> Delivery.Content {
    let bytes = UnsafeRawBufferPointer(start: message.payload, count: message.payload == nil ? 0 : message.len)
    guard !bytes.isEmpty else { return .undecodable(reason: "the record has no bytes") }
    do throws(WireError) {
      return .record(try RecordCodec.decode(bytes))
    } catch {
      return .undecodable(reason: error.reason)
    }
  }
}
