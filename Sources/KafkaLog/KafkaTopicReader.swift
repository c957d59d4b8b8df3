import EventLog
import Model

/// Reads the topics for tools: in no group, with no producer, also while pods write. Changes nothing. Owned by one
/// thread.
public final class KafkaTopicReader {
  private let options: KafkaOptions
  private let reader: KafkaReader
  private let inbox: KafkaInbox

  /// Waits for no broker.
  /// - Throws: `LogFailure` when the options or properties make no sense.
  public init(_ options: KafkaOptions) throws(LogFailure) {
    var options = options
    // The end of one partition is read before the next one's beginning.
    if options.properties.values["fetch.wait.max.ms"] == nil { try options.properties.set("fetch.wait.max.ms", "5") }
    self.options = options
    reader = try KafkaReader(options, wake: try WakeDescriptor())
    inbox = try KafkaInbox(Nobody(), reader, partitionCount: options.partitioner.count)
  }

  /// The cluster's id.
  /// - Throws: `LogFailure` when no broker answers in time.
  public func clusterID() throws(LogFailure) -> String {
    guard let id = reader.clusterID(timeoutMilliseconds: options.queryTimeoutMilliseconds) else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) tells the cluster's id")
    }
    return id
  }

  /// What the brokers have of a partition.
  /// - Throws: `LogFailure` when they do not tell within the options' `queryTimeoutMilliseconds`.
  public func bounds(of partition: PartitionID) throws(LogFailure) -> LogBounds {
    let all = try reader.bounds(of: [partition], timeoutMilliseconds: options.queryTimeoutMilliseconds)
    guard let bounds = all[partition] else {
      throw LogFailure(.unreachable, "no broker of \(options.brokers) tells what it has of \(partition)")
    }
    return bounds
  }

  /// Hands over a partition's records of a range of offsets, in their order and many at once. A gap, or a range that
  /// the topic does not have whole, ends it with a delivery that says so (`Delivery.Content.broken`).
  /// - Throws: `LogFailure` when nothing comes for `queryTimeoutMilliseconds`; what `body` throws.
  public func forEachBatch(
    of partition: PartitionID, in range: Range<Int64>, _ body: ([Delivery]) throws -> Void
  ) throws {
    guard !range.isEmpty else { return }
    inbox.begin(partition, next: range.lowerBound)
    defer {
      reader.unassign([partition])
      inbox.end(partition)
    }
    try reader.assign([partition: range.lowerBound], to: inbox.queue)
    let clock = ContinuousClock()
    var heardAt = clock.now
    var next = range.lowerBound
    while next < range.upperBound {
      let taken = inbox.take(recordsMax: KafkaInbox.batchRecordsMax)
      let batch = taken.deliveries.filter { $0.offset < range.upperBound }
      if let last = batch.last {
        next = last.offset + 1
        heardAt = clock.now
        try body(batch)
      }
      let broken = inbox.takeBroken()
      if !broken.isEmpty { return try body(broken) }
      guard batch.isEmpty else { continue }
      reader.takeNews { _ in }
      guard clock.now - heardAt < .milliseconds(options.queryTimeoutMilliseconds) else {
        throw LogFailure(
          .unreachable,
          "\(partition): no record came for \(options.queryTimeoutMilliseconds) ms, and offset \(next) is awaited")
      }
      inbox.wake.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
  }
}

/// A reader that asks by itself needs no waking.
private final class Nobody: LogOwner {
  func deliveriesArrived() {}
  func durabilityChanged() {}
}
