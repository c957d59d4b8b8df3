import Model
import Synchronization

/// The in-memory twin: pods of one process share a world, and every announcement arrives at once.
public final class MemoryOwnershipWorld: Sendable {
  private struct State: Sendable {
    var snapshot = OwnershipSnapshot()
    var followers: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())
  private let changes = Atomic<UInt64>(0)

  public init() {}

  /// A pod's own map.
  public func join(_ pod: PodAnnouncement) -> MemoryOwnershipMap {
    announce(.pod(pod))
    return MemoryOwnershipMap(self, pod)
  }

  fileprivate var version: UInt64 { changes.load(ordering: .acquiring) }
  fileprivate func snapshot() -> OwnershipSnapshot { state.withLock { $0.snapshot } }
  fileprivate func follow(_ onChange: @escaping @Sendable () -> Void) {
    state.withLock { $0.followers.append(onChange) }
  }

  public func announce(_ announcement: Announcement) { announce(announcement) { _ in true } }

  /// A pod ends. If a newer run of its name exists, that one stays.
  fileprivate func leave(_ pod: PodAnnouncement) {
    announce(.podLeft(name: pod.name)) { $0.pods[pod.incarnation] != nil }
  }

  private func announce(_ announcement: Announcement, if condition: (OwnershipSnapshot) -> Bool) {
    let followers = state.withLock { state -> [@Sendable () -> Void] in
      guard condition(state.snapshot), state.snapshot.apply(announcement) else { return [] }
      changes.add(1, ordering: .releasing)
      return state.followers
    }
    for follower in followers { follower() }
  }
}

/// One pod's view of a world in memory.
public final class MemoryOwnershipMap: OwnershipMap {
  private let world: MemoryOwnershipWorld
  private let pod: PodAnnouncement

  init(_ world: MemoryOwnershipWorld, _ pod: PodAnnouncement) {
    self.world = world
    self.pod = pod
  }

  public var version: UInt64 { world.version }
  public let recordsPassedOver: UInt64 = 0
  public func snapshot() -> OwnershipSnapshot { world.snapshot() }
  public func announce(_ owner: OwnerAnnouncement) { world.announce(.owner(owner)) }
  public func forget(_ pod: PodAnnouncement) { world.leave(pod) }
  public func follow(_ onChange: @escaping @Sendable () -> Void) { world.follow(onChange) }
  public func close() { world.leave(pod) }
}
