/// What a pod does for its cluster.
public enum PodRole: UInt8, Hashable, Sendable, CaseIterable {
  /// Takes requests and owns partitions.
  case all = 0
  /// Takes requests only.
  case api = 1
  /// Owns partitions only.
  case owner = 2
}

/// One run of one pod, and where others reach it.
public struct PodAnnouncement: Hashable, Sendable {
  public static let nameBytesMax = 128

  public let name: String
  /// Unique in the cluster, and higher with each start of a pod of that name.
  public let incarnation: UInt64
  /// Where peers reach it.
  public let host: String
  public let port: UInt16
  /// The operator port's address, for tools.
  public let operatorAddress: String
  public let services: Set<Service>
  public let role: PodRole
  /// The newest rules that it can follow.
  public let rules: UInt32

  public init(
    name: String, incarnation: UInt64, host: String, port: UInt16, operatorAddress: String = "",
    services: Set<Service> = Set(Service.allCases), role: PodRole = .all,
    rules: UInt32 = Rules.current
  ) {
    self.name = name
    self.incarnation = incarnation
    self.host = host
    self.port = port
    self.operatorAddress = operatorAddress
    self.services = services
    self.role = role
    self.rules = rules
  }
}

/// Who owns a partition, and its status.
public struct OwnerAnnouncement: Hashable, Sendable {
  public enum State: UInt8, Hashable, Sendable, CaseIterable {
    /// It applies what is in the log; requests wait.
    case replaying = 0
    case open = 1
    /// It takes no commands until the store has caught up.
    case full = 2
    /// It met a record that it cannot apply.
    case stopped = 3
  }

  public let partition: PartitionID
  /// Raised with each owner; at least 1.
  public let epoch: UInt64
  /// The run of the owner's pod.
  public let incarnation: UInt64
  public let state: State

  public init(partition: PartitionID, epoch: UInt64, incarnation: UInt64, state: State) {
    self.partition = partition
    self.epoch = epoch
    self.incarnation = incarnation
    self.state = state
  }
}

/// Something pods announce to each other.
public enum Announcement: Hashable, Sendable {
  case pod(PodAnnouncement)
  /// The pod of that name has ended cleanly.
  case podLeft(name: String)
  case owner(OwnerAnnouncement)
}
