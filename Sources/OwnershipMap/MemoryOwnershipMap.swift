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
    return MemoryOwnershipMap(self, pod.name)
  }

  fileprivate var version: UInt64 { changes.load(ordering: .acquiring) }
  fileprivate func snapshot() -> OwnershipSnapshot { state.withLock { $0.snapshot } }
  fileprivate func follow(_ onChange: @escaping @Sendable () -> Void) {
    state.withLock { $0.followers.append(onChange) }
  }

  public func announce(_ announcement: Announcement) {
    let followers = state.withLock { state -> [@Sendable () -> Void] in
      guard state.snapshot.apply(announcement) else { return [] }
      changes.add(1, ordering: .releasing)
      return state.followers
    }
    for follower in followers { follower() }
  }
}

/// One pod's view of a world in memory.
public final class MemoryOwnershipMap: OwnershipMap {
  private let world: MemoryOwnershipWorld
  private let name: String

  init(_ world: MemoryOwnershipWorld, _ name: String) {
    self.world = world
    self.name = name
  }

  public var version: UInt64 { world.version }
  public let recordsPassedOver: UInt64 = 0
  public func snapshot() -> OwnershipSnapshot { world.snapshot() }
  public func announce(_ owner: OwnerAnnouncement) { world.announce(.owner(owner)) }
  public func follow(_ onChange: @escaping @Sendable () -> Void) { world.follow(onChange) }
  public func close() { world.announce(.podLeft(name: name)) }
}
