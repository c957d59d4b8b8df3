import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

/// The owner of one partition: one actor, whose executor is its lane.
///
/// On the lane it is entered through `assumeIsolated`: no hop, no task, no continuation. `Tenancy` decides
/// everything; this is its shell.
actor OwnerActor<Machine: StateMachine> {
  private var tenancy: Tenancy<Machine>
  private nonisolated let lane: Lane
  private nonisolated let shared: OwnerShared
  /// What all partitions of the process may hold together, and what this one was last counted with.
  private let memory: MemoryPool
  private var holding = MemoryPool.Holding()
  private var counters = PartitionCounters()
  /// How many orders the partition had removed before this owner swept any.
  private var removedBefore: UInt64?

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(
    _ partition: PartitionID, _ owner: OwnerID, _ shared: OwnerShared, _ recovery: Recovery, on lane: Lane
  ) {
    let options = shared.options
    tenancy = Tenancy(
      partition: partition, owner: owner, partitioner: options.partitioner, mode: shared.mode, limits: shared.limits,
      wantedLimits: options.rules, wantedRules: shared.wantedRules, recovery: recovery)
    memory = shared.memory
    self.lane = lane
    self.shared = shared
    memory.join()
  }

  deinit { memory.leave(holding) }

  /// Does one thing to the tenancy, and returns its state afterwards.
  nonisolated func change(
    _ actions: inout TenancyActions, _ body: @Sendable (inout Tenancy<Machine>, inout TenancyActions) -> Void
  ) -> TenancyStanding {
    assumeIsolated { owner in
      body(&owner.tenancy, &actions)
      return owner.standing(actions)
    }
  }

  nonisolated func mutate<Result: Sendable>(_ body: @Sendable (inout Tenancy<Machine>) -> Result) -> Result {
    assumeIsolated { body(&$0.tenancy) }
  }

  /// Takes what has reached the partition, and continues with what is queued.
  nonisolated func step(
    taking inputs: borrowing [TenancyInput], at time: Timestamp, now: Int64,
    _ actions: inout TenancyActions
  ) -> TenancyStanding {
    assumeIsolated { [wantedRules = shared.wantedRules, unserved = shared.unserved.partitions] owner in
      owner.tenancy.wantedRules = wantedRules
      owner.tenancy.unserved = unserved
      owner.tenancy.isIngestHeld = owner.memory.isCheckpointDue
      let (applied, evicted) = owner.tenancy.step(
        taking: inputs, at: time, now: now, residentMax: owner.memory.share ?? .max, into: &actions)
      owner.counters.recordsApplied &+= applied
      owner.counters.evictions &+= UInt64(evicted)
      return owner.standing(actions)
    }
  }

  /// How long the partition retains orders, in milliseconds, if this owner is to look for old ones; nil if it is not.
  nonisolated func orderRetention() -> Int64? {
    assumeIsolated { owner in
      guard let retention = owner.tenancy.orderRetentionMilliseconds else { return nil }
      // Before its first sweep: what the log says of earlier owners is not its work.
      owner.removedBefore = owner.removedBefore ?? owner.tenancy.ledger.removedOrders
      return retention
    }
  }

  nonisolated func checkpointEnded(isWritten: Bool) {
    assumeIsolated { owner in
      owner.tenancy.checkpointEnded(isWritten: isWritten)
      if isWritten { owner.counters.checkpoints += 1 } else { owner.counters.checkpointsFailed += 1 }
      let (_, resident, dirty) = owner.tenancy.standing()
      owner.count(resident, dirty)
    }
  }

  nonisolated var state: OwnerState {
    assumeIsolated { owner in
      let tenancy = owner.tenancy
      var counters = owner.counters
      if let before = owner.removedBefore { counters.ordersRemoved = tenancy.ledger.removedOrders &- before }
      return OwnerState(
        ending: tenancy.ending, isReplaying: tenancy.isReplaying, durableOffset: tenancy.confirmed.offset,
        queuedInputs: tenancy.queuedCount, residentCount: tenancy.residentCount, dirtyCount: tenancy.dirtyCount,
        parkedCount: tenancy.state.machine.parkedCount, unconfirmedMessages: tenancy.unacknowledgedCount,
        awaitsLoad: tenancy.awaitsLoad, counters: counters)
    }
  }

  /// Reports to the pool what the partition holds now.
  private func count(_ resident: Int, _ dirty: Int) {
    let now = MemoryPool.Holding(resident: resident, dirty: dirty)
    guard now != holding else { return }
    memory.change(from: holding, to: now)
    holding = now
  }

  private func standing(_ actions: borrowing TenancyActions) -> TenancyStanding {
    if let entries = actions.appendedEntries { counters.entriesApplied &+= UInt64(entries) }
    if !actions.loads.isEmpty { counters.loads += 1 }
    var (standing, resident, dirty) = tenancy.standing()
    count(resident, dirty)
    if dirty > 0, memory.isCheckpointDue { standing.insert(.isCheckpointDue) }
    if memory.isDirtyBoundReached { standing.insert(.isDirtyBoundReached) }
    return standing
  }
}

/// The state of a partition, for the operator.
struct OwnerState: Sendable {
  let ending: TenancyEnd?
  let isReplaying: Bool
  /// The offset of the newest record known to be durable.
  let durableOffset: Int64
  let queuedInputs: Int
  let residentCount: Int
  let dirtyCount: Int
  let parkedCount: Int
  let unconfirmedMessages: Int
  let awaitsLoad: Bool
  let counters: PartitionCounters
}
