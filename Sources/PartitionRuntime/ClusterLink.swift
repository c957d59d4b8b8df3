import Model
import OwnershipMap

/// A clock that counts milliseconds while the process is stopped and while the machine sleeps, too.
public typealias TenureClock = @Sendable () -> Int64

/// What a runtime needs to be one of several: who owns what, a way to the other pods, and a clock for its leases.
///
/// Without it a runtime owns all partitions of its services from its start to its end.
public struct ClusterLink: Sendable {
  public let ownership: any OwnershipMap
  public let peers: any PeerPort
  /// Where other pods reach this one, as it stands in the log behind `Owned`.
  public let address: String
  /// The services whose partitions are assigned to this pod; empty for one that only takes requests.
  public let owns: Set<Service>
  /// How long a read may rest on what came back out of the log. All pods of a cluster have the same.
  public let leaseMilliseconds: Int64
  public let clock: TenureClock

  public init(
    ownership: any OwnershipMap, peers: any PeerPort, address: String, owns: Set<Service>,
    leaseMilliseconds: Int64, clock: @escaping TenureClock
  ) {
    self.ownership = ownership
    self.peers = peers
    self.address = address
    self.owns = owns
    self.leaseMilliseconds = leaseMilliseconds
    self.clock = clock
  }
}

/// The way to the other pods, as a lane sees it.
public protocol PeerPort: AnyObject, Sendable {
  /// Sends messages to one lane of another pod's run; they arrive once and in order, unless one of the two ends.
  ///
  /// From any lane; never waits. Returns false when nothing was sent: the pod is not known (any more), or so much
  /// waits for it already that its bound is reached.
  func send(_ messages: [PeerMessage], to incarnation: UInt64, lane: UInt16) -> Bool

  /// How far all that was sent so far goes.
  func mark() -> PeerMark

  /// Whether everything up to a mark has arrived, its receivers are gone, or it was sent `milliseconds` ago: a pod that
  /// ended without a word keeps what it was sent for ever.
  func hasArrived(_ mark: PeerMark, within milliseconds: UInt64) -> Bool

  /// Takes what came for a lane of this pod, on that lane. The lane is woken when something comes.
  func take(lane: UInt16) -> [PeerDelivery]
}

/// For each pod's run: the number of the newest frame that it was sent.
public struct PeerMark: Hashable, Sendable {
  public let frames: [UInt64: UInt64]
  public init(frames: [UInt64: UInt64]) { self.frames = frames }
}

/// A message of another pod.
public struct PeerDelivery: Sendable {
  /// The sender's run.
  public let incarnation: UInt64
  public let message: PeerMessage

  public init(incarnation: UInt64, message: PeerMessage) {
    self.incarnation = incarnation
    self.message = message
  }
}
