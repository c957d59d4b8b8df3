import Model

/// A number for each source of streams, 0 if none is set. Partitions, which are few, cost no look-up.
public struct NumbersBySource: Sendable {
  private let partitionCount: Int
  private var partitions: [UInt64]
  private var sessions: [Session: UInt64] = [:]
  private var ingest: UInt64 = 0

  /// - Parameter partitionCount: partitions of each service.
  public init(partitionCount: Int) {
    self.partitionCount = partitionCount
    partitions = Array(repeating: 0, count: partitionCount * Service.allCases.count)
  }

  /// A value set for a partition that does not exist is dropped.
  public subscript(source: StreamSource) -> UInt64 {
    get {
      switch source {
      case .partition(let partition): slot(of: partition).map { partitions[$0] } ?? 0
      case .session(let session): sessions[session] ?? 0
      case .ingest: ingest
      }
    }
    set {
      switch source {
      case .partition(let partition): if let slot = slot(of: partition) { partitions[slot] = newValue }
      case .session(let session): sessions[session] = newValue == 0 ? nil : newValue
      case .ingest: ingest = newValue
      }
    }
  }

  private func slot(of partition: PartitionID) -> Int? { partition.slot(of: partitionCount) }
}
