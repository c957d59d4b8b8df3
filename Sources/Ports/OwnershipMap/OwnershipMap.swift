import Model

/// Who owns which partition and where pods are, as far as this pod knows.
///
/// The map is a hint, never a truth: it may be outdated, and then the pod wrongly asked says so. The epochs in a
/// partition's log and in the store decide what an owner may do.
public protocol OwnershipMap: AnyObject, Sendable {
  /// Grows with each change. Cheap enough to check in every turn of a lane.
  var version: UInt64 { get }

  /// Announcements that this pod could not read, for example because a newer version wrote them; they are ignored.
  var recordsPassedOver: UInt64 { get }

  /// The map as it is now.
  func snapshot() -> OwnershipSnapshot

  /// Announces the state of one of this pod's partitions to all pods. From any thread, never waits: the newest
  /// announcement of a partition is sent until it has arrived, and again if an older owner's overwrote it.
  func announce(_ owner: OwnerAnnouncement)

  /// Announces that a pod is gone, as it did not say so itself. A pod that does run then announces itself again. From
  /// any thread, never waits; the announcement may be lost.
  func forget(_ pod: PodAnnouncement)

  /// Sets a closure to call after each change: on any thread, it must not block.
  func follow(_ onChange: @escaping @Sendable () -> Void)

  /// Announces that this pod ends, and stops. Blocking, for a bounded time.
  func close()
}

/// The map at one moment.
public struct OwnershipSnapshot: Sendable {
  /// The newest run of each pod, by incarnation.
  public private(set) var pods: [UInt64: PodAnnouncement] = [:]
  private var incarnations: [String: UInt64] = [:]
  private var owners: [PartitionID: OwnerAnnouncement] = [:]

  public init() {}

  public func owner(of partition: PartitionID) -> OwnerAnnouncement? { owners[partition] }

  /// All announced owners, by partition.
  public var allOwners: [OwnerAnnouncement] { owners.values.sorted { $0.partition < $1.partition } }

  /// Applies an announcement; returns whether it contains anything new.
  ///
  /// Whatever the order of arrival, a higher epoch wins, and at the same epoch the later announcement; for a pod, its
  /// highest incarnation.
  public mutating func apply(_ announcement: Announcement) -> Bool {
    switch announcement {
    case .pod(let pod):
      if let known = incarnations[pod.name] {
        guard known <= pod.incarnation, pods[known] != pod else { return false }
        pods[known] = nil
      }
      incarnations[pod.name] = pod.incarnation
      pods[pod.incarnation] = pod
      return true
    case .podLeft(let name):
      guard let known = incarnations.removeValue(forKey: name) else { return false }
      pods[known] = nil
      return true
    case .owner(let owner):
      if let known = owners[owner.partition] {
        guard owner.epoch >= known.epoch, owner != known else { return false }
      }
      owners[owner.partition] = owner
      return true
    }
  }
}
