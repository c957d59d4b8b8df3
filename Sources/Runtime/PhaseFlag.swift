import Synchronization

/// The phase of a runtime's life, for any lane.
final class PhaseFlag: Sendable {
  private let value = Atomic<UInt8>(0)

  var phase: RuntimeReport.Phase {
    get {
      switch value.load(ordering: .acquiring) {
      case 0: .starting
      case 1: .running
      default: .stopping
      }
    }
    set {
      let value: UInt8 =
        switch newValue {
        case .starting: 0
        case .running: 1
        case .stopping: 2
        }
      self.value.store(value, ordering: .releasing)
    }
  }

  /// Ends the start; a stop requested in the meantime remains.
  func becomeRunning() { _ = value.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing) }
}
