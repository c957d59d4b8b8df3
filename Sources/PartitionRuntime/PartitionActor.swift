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
  /// The bounds that this owner wants the partition to decide under.
  private let wantedLimits: RuleLimits
  /// The owner's clock for its tenure; nil where nobody else can own the partition.
  private let tenureClock: TenureClock?
  /// What all partitions of the process may hold together, and what this one was last counted with.
  private let memory: MemoryPool
  private var holding = MemoryPool.Holding()

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(
    _ partition: PartitionID, _ options: RuntimeOptions, _ recovery: Recovery, _ tenure: Tenure?,
    clock: TenureClock?, in memory: MemoryPool, on lane: Lane
  ) {
    loop = PartitionLoop(
      partition: partition, partitioner: options.partitioner, limits: options.core, recovery: recovery)
    loop.tenure = tenure
    wantedLimits = options.rules
    tenureClock = clock
    self.memory = memory
    self.lane = lane
    memory.join()
  }

  deinit { memory.leave(holding) }

  nonisolated func deliver(_ delivery: Delivery) {
    assumeIsolated { $0.loop.deliver(delivery) }
  }

  nonisolated func look(_ query: Query) -> (View, LogPosition)? {
    assumeIsolated { partition in
      partition.loop.look(query, at: partition.tenureClock?() ?? 0)
    }
  }
  nonisolated func standing() -> StepResult {
    assumeIsolated { partition in
      // What waits for a load keeps what it has got of it.
      if partition.loop.queuedRecords == 0 { partition.evict() }
      return partition.result(Effects())
    }
  }

  private func evict() { loop.evict(downTo: memory.share ?? .max) }

  /// Tells the pool what the partition holds now.
  private func count() {
    let now = MemoryPool.Holding(resident: loop.residentCount, dirty: loop.dirtyCount)
    memory.change(from: holding, to: now)
    holding = now
  }

  nonisolated func step() -> StepResult {
    assumeIsolated { partition in
      var effects = Effects()
      partition.loop.step(into: &effects)
      partition.evict()
      return partition.result(effects)
    }
  }

  nonisolated func appended(upTo position: LogPosition) {
    assumeIsolated { $0.loop.appended(upTo: position) }
  }

  nonisolated func read(_ query: Query, for request: RequestID) -> (ReadResult, StepResult) {
    assumeIsolated { partition in
      var effects = Effects()
      let now = partition.tenureClock?() ?? 0
      let result = partition.loop.read(query, for: request, at: now, into: &effects)
      return (result, partition.result(effects))
    }
  }

  nonisolated func loaded(_ rows: [EntityChange]) -> StepResult {
    assumeIsolated { partition in
      var effects = Effects()
      partition.loop.loaded(rows, at: partition.tenureClock?() ?? 0, into: &effects)
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
    assumeIsolated { partition in
      partition.loop.checkpointEnded(isWritten: isWritten)
      partition.count()
    }
  }

  nonisolated func unappliedCommands() -> [RequestID] { assumeIsolated { $0.loop.unappliedCommands() } }

  nonisolated func takeWaitingReads() -> [RequestID] { assumeIsolated { $0.loop.takeWaitingReads() } }

  nonisolated func takeReadsToForward() -> [(query: Query, request: RequestID)] {
    assumeIsolated { $0.loop.takeReadsToForward() }
  }

  nonisolated func stepDown() -> StepResult {
    assumeIsolated { partition in
      partition.loop.stepDown()
      return partition.result(Effects())
    }
  }

  nonisolated var farewell: Control? { assumeIsolated { $0.loop.farewell } }

  nonisolated var lateFarewell: (control: Control, at: Int64)? { assumeIsolated { $0.loop.lateFarewell } }

  nonisolated var state: PartitionState {
    assumeIsolated { partition in
      let loop = partition.loop
      return PartitionState(
        status: loop.status, appliedOffset: loop.appliedOffset, checkpointedOffset: loop.checkpointedOffset,
        queuedRecords: loop.queuedRecords, residentCount: loop.residentCount, dirtyCount: loop.dirtyCount,
        parkedCount: loop.machine.parkedCount, awaitsLoad: loop.awaitsLoad, counters: loop.counters)
    }
  }

  private func result(_ effects: Effects) -> StepResult {
    var flags: StepResult.Flags = []
    var effects = effects
    var tick: Control?
    if loop.awaitsTime, let tenureClock {
      let now = tenureClock()
      loop.pass(now, into: &effects)
      if loop.hasWaitingReads { tick = loop.tickToAppend(now) }
      if loop.awaitsTime { flags.insert(.awaitsTime) }
      if loop.tenure?.phase == .announced { flags.insert(.isAnnounced) }
    }
    if loop.canStep { flags.insert(.canStep) }
    if loop.isBehind { flags.insert(.isBehind) }
    count()
    if loop.isCheckpointDue || (holding.dirty > 0 && memory.isCheckpointDue) { flags.insert(.isCheckpointDue) }
    if loop.isDirtyBoundReached || memory.isDirtyBoundReached { flags.insert(.isDirtyBoundReached) }
    if loop.awaitsLoad { flags.insert(.awaitsLoad) }
    if loop.status != .running { flags.insert(.isStopped) }
    if loop.isCrowded { flags.insert(.isCrowded) }
    if loop.hasRoom { flags.insert(.hasRoom) }
    if loop.ruleLimits != wantedLimits { flags.insert(.hasOtherLimits) }
    return StepResult(
      effects: effects, loads: loop.keysToLoad(), appliedOffset: loop.appliedOffset, tick: tick, flags: flags)
  }
}
