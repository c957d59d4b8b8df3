import Model

/// The partitions of a fleet, in one row.
struct Layout: Hashable, Sendable {
  let partitioner: Partitioner

  /// One partition per service.
  static var single: Partitioner {
    guard let one = Partitioner(count: 1) else { preconditionFailure("one partition is a valid count") }
    return one
  }

  var slotCount: Int { partitioner.count * Service.allCases.count }

  func slot(_ partition: PartitionID) -> Int {
    Int(partition.service.rawValue) * partitioner.count + Int(partition.index)
  }

  var partitions: [PartitionID] {
    Service.allCases.flatMap { service in
      (0..<partitioner.count).map { PartitionID(service, UInt16($0)) }
    }
  }
}
