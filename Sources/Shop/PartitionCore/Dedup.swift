import Model

/// The highest message seen from each source partition; what is not higher was seen before, so is dropped.
///
/// Messages of one source arrive in order and without gaps, so one position per source is enough, however much a
/// source repeats after a crash.
public struct Dedup: Hashable, Sendable {
  private var highest: [SourcePosition?]
  private let partitionCount: Int

  public init(partitionCount: Int) {
    self.partitionCount = partitionCount
    highest = Array(repeating: nil, count: partitionCount * Service.allCases.count)
  }

  /// Whether the message is new; remembers it if so. nil if there is no such source partition.
  public mutating func admit(_ message: PartitionMessage) -> Bool? {
    guard let slot = message.source.slot(of: partitionCount) else { return nil }
    if let seen = highest[slot], message.position <= seen { return false }
    highest[slot] = message.position
    return true
  }

  /// Whether the message is new; one from no existing partition is not.
  public func isNew(_ message: PartitionMessage) -> Bool {
    guard let slot = message.source.slot(of: partitionCount) else { return false }
    return highest[slot].map { message.position > $0 } ?? true
  }

  /// The table as rows, ascending by source.
  public var rows: [DedupRow] {
    highest.enumerated().compactMap { slot, position in
      guard let position, let source = PartitionID(slot: slot, of: partitionCount) else { return nil }
      return DedupRow(source: source, position: position)
    }
  }

  /// Takes the rows of a checkpoint; rows of partitions that do not exist are ignored.
  public mutating func restore(_ rows: [DedupRow]) {
    for row in rows {
      if let slot = row.source.slot(of: partitionCount) { highest[slot] = row.position }
    }
  }
}

/// The highest message seen from one source partition.
public struct DedupRow: Hashable, Sendable {
  public let source: PartitionID
  public let position: SourcePosition
  public init(source: PartitionID, position: SourcePosition) {
    self.source = source
    self.position = position
  }
}
