import Model

/// Who owns which partition and where pods are, as far as this pod has been told.
///
/// The map is a hint, never a truth: it may be behind, and then whoever is asked wrongly says so. What an owner may do
/// is decided by the epochs in its partition's log and in the store.
public protocol OwnershipMap: AnyObject, Sendable {
  /// Grows with each change. Cheap enough to be looked at in every turn of a lane.
  var version: UInt64 { get }

  /// What was announced and nobody here could read, for example because a newer version wrote it; it says nothing.
  var recordsPassedOver: UInt64 { get }

  /// The map as it is now.
  func snapshot() -> OwnershipSnapshot

  /// Tells all pods how a partition of this one stands. From any thread, never waits: the newest announcement of a
  /// partition is sent until it has arrived, and again when an older owner's covered it.
  func announce(_ owner: OwnerAnnouncement)

  /// Says of a pod that it is gone, as it did not say so itself. A pod that runs all the same says then that it does.
  /// From any thread, never waits; it may get lost.
  func forget(_ pod: PodAnnouncement)

  /// Has a closure called after each change: on any thread, it must not block.
  func follow(_ onChange: @escaping @Sendable () -> Void)

  /// Says that this pod ends, and stops. Blocking, for a bounded time.
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

  /// Takes over what was announced; returns whether it says anything new.
  ///
  /// Whatever the order of arrival, a higher epoch wins, and at the same epoch the later announcement; of a pod, its
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
