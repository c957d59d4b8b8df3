import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

/// The owner of one partition: one actor, whose executor is its lane.
///
/// On the lane it is entered through `assumeIsolated`: no hop, no task, no continuation. Everything it decides stands
/// in `Tenancy`; this is its shell.
actor OwnerActor<Machine: StateMachine> {
  private var tenancy: Tenancy<Machine>
  private nonisolated let lane: Lane
  /// What all partitions of the process may hold together, and what this one was last counted with.
  private let memory: MemoryPool
  private var holding = MemoryPool.Holding()
  private var counters = PartitionCounters()

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(
    _ partition: PartitionID, _ owner: OwnerID, _ options: RuntimeOptions, _ mode: LogMode, _ recovery: Recovery,
    in memory: MemoryPool, on lane: Lane
  ) {
    var limits = TenancyLimits()
    limits.core = options.core
    tenancy = Tenancy(
      partition: partition, owner: owner, partitioner: options.partitioner, mode: mode, limits: limits,
      wantedLimits: options.rules, recovery: recovery)
    self.memory = memory
    self.lane = lane
    memory.join()
  }

  deinit { memory.leave(holding) }

  /// Does one thing to the tenancy, and says how it stands then.
  nonisolated func change(
    _ actions: inout TenancyActions, _ body: @Sendable (inout Tenancy<Machine>, inout TenancyActions) -> Void
  ) -> OwnerStanding {
    assumeIsolated { owner in
      body(&owner.tenancy, &actions)
      return owner.standing(actions)
    }
  }

  nonisolated func look<Result: Sendable>(_ body: @Sendable (borrowing Tenancy<Machine>) -> Result) -> Result {
    assumeIsolated { body($0.tenancy) }
  }

  nonisolated func mutate<Result: Sendable>(_ body: @Sendable (inout Tenancy<Machine>) -> Result) -> Result {
    assumeIsolated { body(&$0.tenancy) }
  }

  /// Goes on with what is queued: the replay, or a turn.
  nonisolated func step(at time: Timestamp, now: Int64, _ actions: inout TenancyActions) -> OwnerStanding {
    assumeIsolated { owner in
      let before = owner.tenancy.number
      if owner.tenancy.isReplaying {
        owner.tenancy.advanceReplay(at: now, into: &actions)
      } else {
        owner.tenancy.turn(at: time, now: now, into: &actions)
      }
      owner.counters.recordsApplied &+= owner.tenancy.number - before
      owner.counters.evictions &+= UInt64(owner.tenancy.evict(downTo: owner.memory.share ?? .max))
      return owner.standing(actions)
    }
  }

  /// Takes a read; returns nil when it is not taken.
  nonisolated func read(
    _ query: Query, for request: RequestID, at now: Int64, _ actions: inout TenancyActions
  ) -> OwnerStanding? {
    assumeIsolated { owner in
      let isTaken = owner.tenancy.read(query, for: request, at: now, into: &actions)
      return isTaken ? owner.standing(actions) : nil
    }
  }

  nonisolated func checkpointEnded(isWritten: Bool) {
    assumeIsolated { owner in
      owner.tenancy.checkpointEnded(isWritten: isWritten)
      if isWritten { owner.counters.checkpoints += 1 } else { owner.counters.checkpointsFailed += 1 }
      owner.count()
    }
  }

  nonisolated var state: OwnerState {
    assumeIsolated { owner in
      let tenancy = owner.tenancy
      return OwnerState(
        ending: tenancy.ending, isReplaying: tenancy.isReplaying, durableOffset: tenancy.confirmed.offset,
        queuedInputs: tenancy.queuedCount, residentCount: tenancy.residentCount, dirtyCount: tenancy.dirtyCount,
        parkedCount: tenancy.state.machine.parkedCount, awaitsLoad: tenancy.awaitsLoad, counters: owner.counters)
    }
  }

  /// Tells the pool what the partition holds now.
  private func count() {
    let now = MemoryPool.Holding(resident: tenancy.residentCount, dirty: tenancy.dirtyCount)
    memory.change(from: holding, to: now)
    holding = now
  }

  private func standing(_ actions: TenancyActions) -> OwnerStanding {
    for case .turn(let record) in actions.appends { counters.entriesApplied &+= UInt64(record.entries.count) }
    if !actions.loads.isEmpty { counters.loads += 1 }
    count()
    var standing: OwnerStanding = []
    if tenancy.wantsTurn || tenancy.canAdvanceReplay { standing.insert(.canStep) }
    if tenancy.isBehind { standing.insert(.isBehind) }
    if tenancy.isCheckpointDue || (holding.dirty > 0 && memory.isCheckpointDue) { standing.insert(.isCheckpointDue) }
    if tenancy.isDirtyBoundReached || memory.isDirtyBoundReached { standing.insert(.isDirtyBoundReached) }
    if tenancy.awaitsLoad { standing.insert(.awaitsLoad) }
    if tenancy.ending != nil { standing.insert(.hasEnded) }
    if tenancy.phase == .serving { standing.insert(.isServing) }
    return standing
  }
}

/// How a partition stands after something was done to it.
struct OwnerStanding: OptionSet, Sendable {
  let rawValue: UInt8
  /// There is more to apply.
  static let canStep = OwnerStanding(rawValue: 1)
  /// The store lacks something.
  static let isBehind = OwnerStanding(rawValue: 2)
  static let isCheckpointDue = OwnerStanding(rawValue: 4)
  static let isDirtyBoundReached = OwnerStanding(rawValue: 8)
  /// Inputs wait for a load.
  static let awaitsLoad = OwnerStanding(rawValue: 16)
  static let isServing = OwnerStanding(rawValue: 32)
  static let hasEnded = OwnerStanding(rawValue: 64)
}

/// How a partition stands, for the operator.
struct OwnerState: Sendable {
  let ending: TenancyEnd?
  let isReplaying: Bool
  /// Where the newest record stands that is known to be durable.
  let durableOffset: Int64
  let queuedInputs: Int
  let residentCount: Int
  let dirtyCount: Int
  let parkedCount: Int
  let awaitsLoad: Bool
  let counters: PartitionCounters
}
