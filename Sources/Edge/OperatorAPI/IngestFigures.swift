/// The state of a partition's ingest topic.
public struct IngestFigures: Sendable, Hashable {
  /// Records of the topic that are not durable in the partition.
  public var lagRecords: Int64
  /// The topic lacks the record that comes next.
  public var isStopped: Bool

  public init(lagRecords: Int64, isStopped: Bool) {
    self.lagRecords = lagRecords
    self.isStopped = isStopped
  }
}
