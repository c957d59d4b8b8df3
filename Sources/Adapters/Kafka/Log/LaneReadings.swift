import CRdKafka
import Model

/// The partitions that one lane reads, and how far each is: every offset once, in order, without gaps, up to the end.
struct LaneReadings: Sendable {
  /// Errors without a record between them that one reading survives.
  static let errorsMax = 3

  private struct Reading: Sendable {
    var next: Int64
    var errors = 0
  }

  enum Verdict: Hashable, Sendable {
    case deliver
    /// Nobody reads it, or it came before.
    case drop
    /// Everything has come.
    case ended
    case broken(reason: String)
    /// It may continue.
    case trouble(String)
  }

  private var readings: [PartitionID: Reading] = [:]

  var count: Int { readings.count }

  mutating func begin(_ partition: PartitionID, at offset: Int64) { readings[partition] = Reading(next: offset) }

  /// Returns whether it was read.
  @discardableResult
  mutating func end(_ partition: PartitionID) -> Bool { readings.removeValue(forKey: partition) != nil }

  /// Takes what arrived from a partition: a record, its end, or an error.
  mutating func admit(_ message: rd_kafka_message_t, of partition: PartitionID) -> Verdict {
    switch message.err {
    case RD_KAFKA_RESP_ERR_NO_ERROR: admit(partition, at: message.offset)
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: admitEnd(partition, at: message.offset)
    case let code: admitError(partition, code)
    }
  }

  /// Takes the next record.
  mutating func admit(_ partition: PartitionID, at offset: Int64) -> Verdict {
    guard let reading = readings[partition], offset >= reading.next, offset < .max else { return .drop }
    guard offset == reading.next else { return gap(partition, reading, offset) }
    readings[partition] = Reading(next: offset + 1)
    return .deliver
  }

  /// Takes the end of a partition: the offset that its next record will get.
  mutating func admitEnd(_ partition: PartitionID, at offset: Int64) -> Verdict {
    // An end before what was read belongs to an earlier reading.
    guard let reading = readings[partition], offset >= reading.next else { return .drop }
    guard offset == reading.next else { return gap(partition, reading, offset) }
    readings[partition] = nil
    return .ended
  }

  private mutating func gap(_ partition: PartitionID, _ reading: Reading, _ offset: Int64) -> Verdict {
    readings[partition] = nil
    return .broken(reason: "a gap in the topic: offset \(reading.next) was expected, \(offset) came")
  }

  /// Takes an error instead of a record.
  mutating func admitError(_ partition: PartitionID, _ code: rd_kafka_resp_err_t) -> Verdict {
    guard var reading = readings[partition] else { return .drop }
    let text = KafkaLibrary.text(code)
    var reason: String?
    switch code {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      reason = "the topic has no offset \(reading.next): retention removed it, or it is another topic (\(text))"
    // Said once, and not again while it lasts.
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      reason = text
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
      break
    default:
      reading.errors += 1
      if reading.errors >= Self.errorsMax { reason = text }
    }
    readings[partition] = reason == nil ? reading : nil
    return reason.map { .broken(reason: $0) } ?? .trouble(text)
  }
}
