import Dispatch
import Synchronization

/// Opens once; whoever waits for it goes on then.
public final class Gate: Sendable {
  private let group = DispatchGroup()
  private let isOpen = Atomic<Bool>(false)

  public init() { group.enter() }

  public func open() {
    if !isOpen.exchange(true, ordering: .acquiringAndReleasing) { group.leave() }
  }

  /// Returns false when it takes longer.
  public func wait(milliseconds: Int) -> Bool { group.wait(timeout: .now() + .milliseconds(milliseconds)) == .success }
}
