import CRdKafka
import Ports
import Model

/// Reads the topics for tools: in no group, with no producer, even while pods write. Changes nothing. Owned by one
/// thread.
package final class KafkaTopicReader {
  private let options: KafkaOptions
  private let reader: KafkaReader
  private let wake: WakeDescriptor
  private let queue: ReadQueue
  private var readings = LaneReadings()

  /// What was taken together.
  private struct Taken {
    var records: [LoggedRecord] = []
    /// Why nothing can follow.
    var failure: LogFailure?
    /// What may be temporary.
    var trouble: String?
  }

  /// Waits for no broker.
  /// - Throws: `LogFailure` if the options or properties make no sense.
  package init(_ options: KafkaOptions) throws(LogFailure) {
    self.options = options
    wake = try WakeDescriptor()
    reader = try KafkaReader(options, reportsEnds: true, wake: wake)
    queue = try ReadQueue(reader, wake: wake)
  }

  /// The cluster's id.
  /// - Throws: `LogFailure` if no broker answers in time.
  package func clusterID() throws(LogFailure) -> String {
    guard let id = reader.clusterID(timeoutMilliseconds: options.queryTimeoutMilliseconds) else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) reports the cluster's id")
    }
    return id
  }

  /// What the brokers have of a partition.
  /// - Throws: `LogFailure` if they do not answer within the options' `queryTimeoutMilliseconds`.
  package func bounds(of partition: PartitionID) throws(LogFailure) -> LogBounds {
    let all = try reader.bounds(of: [partition], timeoutMilliseconds: options.queryTimeoutMilliseconds)
    guard let bounds = all[partition] else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) reports what it has of \(partition)")
    }
    return bounds
  }

  /// Passes on a partition's records of a range of offsets, in order and many at once.
  /// - Throws: `LogFailure` that names partition and offset if the topic does not have the whole range, or nothing
  ///   arrives for `queryTimeoutMilliseconds`; what `body` throws.
  package func forEachBatch(
    of partition: PartitionID, in range: Range<Int64>, _ body: ([LoggedRecord]) throws -> Void
  ) throws {
    guard !range.isEmpty else { return }
    readings.begin(partition, at: range.lowerBound)
    defer {
      reader.unassign([partition])
      readings.end(partition)
    }
    try reader.assign([partition: range.lowerBound], to: queue.handle)
    let clock = ContinuousClock()
    var heardAt = clock.now
    var next = range.lowerBound
    var trouble: String?
    while true {
      let taken = take(partition, range)
      if let last = taken.records.last {
        next = last.offset + 1
        heardAt = clock.now
        try body(taken.records)
        if next >= range.upperBound { return }
      }
      if let failure = taken.failure { throw failure }
      guard taken.records.isEmpty else { continue }
      trouble = taken.trouble ?? trouble
      reader.takeNews { _ in }
      guard clock.now - heardAt < .milliseconds(options.queryTimeoutMilliseconds) else {
        throw LogFailure(
          .unreachable,
          "\(partition): no record came for \(options.queryTimeoutMilliseconds) ms, and offset \(next) is expected"
            + (trouble.map { ": \($0)" } ?? ""))
      }
      wake.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
  }

  private func take(_ partition: PartitionID, _ range: Range<Int64>) -> Taken {
    var taken = Taken()
    _ = queue.take(ReadQueue.batchMax) { message in
      guard taken.failure == nil, reader.partition(of: message) == partition else { return }
      switch readings.admit(message, of: partition) {
      case .drop: break
      case .deliver where message.offset >= range.upperBound: break
      case .deliver:
        taken.records.append(
          LoggedRecord(
            partition: partition, offset: message.offset, sequence: UInt64(clamping: message.offset) + 1,
            content: LoggedRecord.Content(message)))
      case .ended:
        taken.failure = LogFailure(
          .format,
          "\(partition): its topic ends before offset \(message.offset), and offset \(range.upperBound - 1) is needed")
      case .broken(let reason): taken.failure = LogFailure(.read, "\(partition) cannot be read any further: \(reason)")
      case .trouble(let text): taken.trouble = text
      }
    }
    return taken
  }
}
