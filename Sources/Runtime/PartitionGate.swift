import Synchronization

/// Whether a partition takes commands: set by its owner, read by every lane.
final class PartitionGate: Sendable {
  enum State: UInt8 {
    case replaying = 0
    case open = 1
    /// Too much is dirty, or what is needed cannot be loaded; commands are refused until the store is back.
    case full = 2
    case stopped = 3
    /// No lane of this process owns it.
    case elsewhere = 4

    /// Whether reads may be answered here, if the partition is owned here.
    var isReadable: Bool { self == .open || self == .full }
  }

  private let value: Atomic<UInt8>

  init(_ state: State) { value = Atomic(state.rawValue) }

  var state: State {
    get { State(rawValue: value.load(ordering: .relaxed)) ?? .stopped }
    set { value.store(newValue.rawValue, ordering: .relaxed) }
  }
}
