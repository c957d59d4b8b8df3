import Dispatch
import Lanes
import Model
import PartitionCore
import Synchronization

extension LaneRuntime {
  /// Begins the lane's ticks.
  func begin() {
    let interval = UInt64(shared.options.checkpointIntervalMilliseconds)
    for place in places.indices {
      places[place].checkpointClock = CheckpointClock(from: lane.now, every: interval, share: place, of: places.count)
      note(places[place].actor.standing(), at: place)
    }
    lane.every(milliseconds: UInt64(shared.options.idleTickMilliseconds)) { [weak self] in self?.tick() }
  }

  var waitingCount: Int { client?.waitingCount ?? 0 }

  var partitionReports: [PartitionReport] {
    places.filter { !$0.isGone }.map { owned in
      let state = owned.actor.state()
      let status: PartitionReport.Status =
        switch state.status {
        case .stopped(let offset, let reason), .broken(let offset, let reason):
          .stopped(offset: offset, reason: reason)
        case .superseded(let offset, let epoch): .stopped(offset: offset, reason: "the owner of epoch \(epoch) has it")
        case .running:
          if let failure = owned.loadFailure, state.awaitsLoad {
            .waitingForStore(reason: failure)
          } else {
            state.appliedOffset < owned.replayThrough ? .replaying : .running
          }
        }
      return PartitionReport(
        partition: owned.id, status: status, lane: Int(index), epoch: owned.epoch,
        appliedOffset: state.appliedOffset, checkpointedOffset: state.checkpointedOffset,
        checkpointAgeMilliseconds: owned.behindSince.map { Int64(lane.now - min($0, lane.now)) } ?? 0,
        queuedRecords: state.queuedRecords, residentEntities: state.residentCount,
        dirtyEntities: state.dirtyCount, parkedCheckouts: state.parkedCount,
        recordsApplied: state.counters.recordsApplied, entriesApplied: state.counters.entriesApplied,
        dedupDrops: state.counters.dedupDrops, loads: state.counters.loads,
        checkpoints: state.counters.checkpoints, checkpointsFailed: state.counters.checkpointsFailed,
        evictions: state.counters.evictions)
    }
  }
}

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
