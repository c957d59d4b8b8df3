import Lanes
import Model
import PartitionCore

/// The owner of one partition: one actor, whose executor is its lane.
///
/// On the lane it is entered through `assumeIsolated`: no hop, no task, no continuation. Everything it decides stands
/// in `PartitionLoop`; this is the loop's shell.
actor PartitionActor<Machine: StateMachine> {
  private var loop: PartitionLoop<Machine>
  private nonisolated let lane: Lane

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(_ partition: PartitionID, _ options: RuntimeOptions, _ recovery: Recovery, on lane: Lane) {
    loop = PartitionLoop(
      partition: partition, partitioner: options.partitioner, limits: options.core, recovery: recovery)
    self.lane = lane
  }

  nonisolated func deliver(_ delivery: Delivery) {
    assumeIsolated { $0.loop.deliver(delivery) }
  }

  nonisolated func look() -> StepResult { assumeIsolated { $0.result(Effects()) } }

  nonisolated func step() -> StepResult {
    assumeIsolated { partition in
      var effects = Effects()
      partition.loop.step(into: &effects)
      partition.loop.evict()
      return partition.result(effects)
    }
  }

  nonisolated func appended(upTo position: LogPosition) {
    assumeIsolated { $0.loop.appended(upTo: position) }
  }

  nonisolated func read(_ query: Query, for request: RequestID) -> (ReadResult, StepResult) {
    assumeIsolated { partition in
      var effects = Effects()
      let result = partition.loop.read(query, for: request, into: &effects)
      return (result, partition.result(effects))
    }
  }

  nonisolated func loaded(_ rows: [EntityChange]) -> StepResult {
    assumeIsolated { partition in
      var effects = Effects()
      partition.loop.loaded(rows, into: &effects)
      partition.loop.step(into: &effects)
      return partition.result(effects)
    }
  }

  nonisolated func loadFailed() -> StepResult {
    assumeIsolated { partition in
      partition.loop.loadFailed()
      var effects = Effects()
      partition.loop.step(into: &effects)
      return partition.result(effects)
    }
  }

  nonisolated func takeCheckpoint() -> Bool { assumeIsolated { $0.loop.takeCheckpoint() } }

  nonisolated func checkpointToWrite(durable: LogPosition) -> CheckpointBatch? {
    assumeIsolated { $0.loop.checkpointToWrite(durable: durable) }
  }

  nonisolated func checkpointEnded(isWritten: Bool) {
    assumeIsolated { $0.loop.checkpointEnded(isWritten: isWritten) }
  }

  nonisolated func unappliedCommands() -> [RequestID] { assumeIsolated { $0.loop.unappliedCommands() } }

  nonisolated func takeWaitingReads() -> [RequestID] { assumeIsolated { $0.loop.takeWaitingReads() } }

  nonisolated var state: PartitionState {
    assumeIsolated { partition in
      let loop = partition.loop
      return PartitionState(
        status: loop.status, appliedOffset: loop.appliedOffset, checkpointedOffset: loop.checkpointedOffset,
        queuedRecords: loop.queuedRecords, residentCount: loop.residentCount, dirtyCount: loop.dirtyCount,
        parkedCount: loop.machine.parkedCount, counters: loop.counters)
    }
  }

  private func result(_ effects: Effects) -> StepResult {
    var flags: StepResult.Flags = []
    if loop.canStep { flags.insert(.canStep) }
    if loop.isBehind { flags.insert(.isBehind) }
    if loop.isCheckpointDue { flags.insert(.isCheckpointDue) }
    if loop.isDirtyBoundReached { flags.insert(.isDirtyBoundReached) }
    if loop.status != .running { flags.insert(.isStopped) }
    return StepResult(
      effects: effects, loads: loop.keysToLoad(), appliedOffset: loop.appliedOffset, flags: flags)
  }
}
