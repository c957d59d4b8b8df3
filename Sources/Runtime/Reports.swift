import Dispatch
import Synchronization

/// Puts the lanes' answers together, and gives up on lanes that do not answer.
final class ReportGathering: Sendable {
  private struct State {
    var lanesLeft: Int
    var partitions: [PartitionReport] = []
    var waiting = 0
    var completion: (@Sendable (RuntimeReport?) -> Void)?
  }

  private let state: Mutex<State>
  private let phase: RuntimeReport.Phase
  private let logFailure: String?
  private let storeFailure: String?
  private let pending: [PendingTakeover]

  init(
    laneCount: Int, phase: RuntimeReport.Phase, logFailure: String?, storeFailure: String?,
    pending: [PendingTakeover], completion: @escaping @Sendable (RuntimeReport?) -> Void
  ) {
    state = Mutex(State(lanesLeft: laneCount, completion: completion))
    self.phase = phase
    self.logFailure = logFailure
    self.storeFailure = storeFailure
    self.pending = pending
  }

  func add(_ reports: [PartitionReport], waiting: Int) {
    let finished = state.withLock { state -> State? in
      state.lanesLeft -= 1
      state.partitions += reports
      state.waiting += waiting
      guard state.lanesLeft == 0 else { return nil }
      defer { state.completion = nil }
      return state
    }
    guard let finished else { return }
    finished.completion?(
      RuntimeReport(
        phase: phase, partitions: finished.partitions.sorted { $0.partition < $1.partition }, pending: pending,
        logFailure: logFailure, storeFailure: storeFailure, requestsWaiting: finished.waiting))
  }

  func giveUp(afterMilliseconds milliseconds: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [self] in
      let completion = state.withLock { state in
        defer { state.completion = nil }
        return state.completion
      }
      completion?(nil)
    }
  }
}
