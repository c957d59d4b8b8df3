import Model
import Ports

/// What a runtime needs to be one of several: who owns what, a way to the other pods, and a clock for its leases.
///
/// Without it a runtime owns all partitions from its start to its end.
public struct PodLink: Sendable {
  public let ownership: any OwnershipMap
  public let pods: any PodPort
  /// Where other pods reach this one, as `Owned` in the log states it.
  public let address: String
  /// The services whose partitions are assigned to this pod; empty for one that only takes requests.
  public let owns: Set<Service>
  /// How long a read may rest on an append that was confirmed. All pods of a cluster have the same.
  public let leaseMilliseconds: Int64
  /// A clock that counts milliseconds even while the process is stopped or the machine sleeps.
  public let clock: @Sendable () -> Int64

  public init(
    ownership: any OwnershipMap, pods: any PodPort, address: String, owns: Set<Service>, leaseMilliseconds: Int64,
    clock: @escaping @Sendable () -> Int64
  ) {
    self.ownership = ownership
    self.pods = pods
    self.address = address
    self.owns = owns
    self.leaseMilliseconds = leaseMilliseconds
    self.clock = clock
  }
}
