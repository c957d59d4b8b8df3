import Dispatch
import Synchronization

/// Opens once; then whoever waits for it continues.
public final class Gate: Sendable {
  private let group = DispatchGroup()
  private let isOpen = Atomic<Bool>(false)

  public init() { group.enter() }

  public func open() {
    if !isOpen.exchange(true, ordering: .acquiringAndReleasing) { group.leave() }
  }

  /// Returns false if it takes longer.
  public func wait(milliseconds: Int) -> Bool { group.wait(timeout: .now() + .milliseconds(milliseconds)) == .success }
}
