import Model

/// The range of records in a partition's topic.
public struct LogBounds: Hashable, Sendable {
  /// The offset of the oldest record; retention moves it.
  public let first: Int64
  /// The offset of the next record.
  public let next: Int64

  public init(first: Int64, next: Int64) {
    self.first = first
    self.next = next
  }

  /// Why an owner with its checkpoint at `offset` cannot continue; nil if it can; -1 before the first record.
  public func refusal(after offset: Int64, of partition: PartitionID) -> LogFailure? {
    if offset < -1 {
      return LogFailure(.format, "\(partition): a checkpoint at offset \(offset) makes no sense")
    }
    if offset + 1 < first {
      return LogFailure(
        .trimmed,
        "\(partition): its topic begins with offset \(first), and offset \(offset + 1) is needed: retention removed "
          + "it; restore the store from a newer backup, or the topic from an older one")
    }
    if offset + 1 > next {
      return LogFailure(
        .format,
        "\(partition): its topic ends before offset \(offset), which the store already holds: it is another topic, or "
          + "lost records; restore topic and store from the same moment")
    }
    return nil
  }

  /// Records that retention may still remove before an owner needs one: those below `offset`, its checkpoint.
  public func margin(after offset: Int64) -> Int64 { max(offset + 1 - first, 0) }
}
