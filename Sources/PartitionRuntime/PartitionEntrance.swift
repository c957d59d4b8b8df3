import Lanes
import Model
import Orders
import PartitionCore
import Payments
import Stock

/// A partition's actor as its lane sees it, whatever its service. Every call is made on the lane.
///
/// Closures instead of a protocol: the compiler writes a generic actor's witnesses once for all services, and each of
/// their calls would then look types up and copy state at run time. What is captured here is compiled for its service.
struct PartitionEntrance: Sendable {
  let deliver: @Sendable (Delivery) -> Void
  /// How it stands, without applying anything.
  let standing: @Sendable () -> StepResult
  let step: @Sendable () -> StepResult
  /// The messages of all steps so far were appended up to a position.
  let appended: @Sendable (LogPosition) -> Void
  /// What a query's answer would be, and what it has to wait for; nil when it cannot be given from memory now.
  let look: @Sendable (Query) -> (View, LogPosition)?
  let read: @Sendable (Query, RequestID) -> (ReadResult, StepResult)
  let loaded: @Sendable ([EntityChange]) -> StepResult
  let loadFailed: @Sendable () -> StepResult
  let takeCheckpoint: @Sendable () -> Bool
  /// The checkpoint that was taken, once the log is durable up to what it rests on.
  let checkpointToWrite: @Sendable (_ durable: LogPosition) -> CheckpointBatch?
  let checkpointEnded: @Sendable (_ isWritten: Bool) -> Void
  /// Who waits for commands that a stopped partition was delivered and will not apply.
  let unappliedCommands: @Sendable () -> [RequestID]
  let takeWaitingReads: @Sendable () -> [RequestID]
  let takeReadsToForward: @Sendable () -> [(query: Query, request: RequestID)]
  /// Ends the owner's time before the log does.
  let stepDown: @Sendable () -> StepResult
  /// What the owner appends when its time is over.
  let farewell: @Sendable () -> Control?
  /// What it appends later instead, and when, by the clock of tenures.
  let lateFarewell: @Sendable () -> (control: Control, at: Int64)?
  let state: @Sendable () -> PartitionState

  init<Machine>(_ actor: PartitionActor<Machine>) {
    deliver = { actor.deliver($0) }
    standing = { actor.standing() }
    step = { actor.step() }
    appended = { actor.appended(upTo: $0) }
    look = { actor.look($0) }
    read = { actor.read($0, for: $1) }
    loaded = { actor.loaded($0) }
    loadFailed = { actor.loadFailed() }
    takeCheckpoint = { actor.takeCheckpoint() }
    checkpointToWrite = { actor.checkpointToWrite(durable: $0) }
    checkpointEnded = { actor.checkpointEnded(isWritten: $0) }
    unappliedCommands = { actor.unappliedCommands() }
    takeWaitingReads = { actor.takeWaitingReads() }
    takeReadsToForward = { actor.takeReadsToForward() }
    stepDown = { actor.stepDown() }
    farewell = { actor.farewell }
    lateFarewell = { actor.lateFarewell }
    state = { actor.state }
  }
}

extension PartitionEntrance {
  /// The actor of a partition, with the machine of its service.
  init(
    of partition: PartitionID, _ shared: RuntimeShared, _ recovery: Recovery, _ tenure: Tenure?, on lane: Lane
  ) {
    let (options, clock, memory) = (shared.options, shared.cluster?.clock, shared.memory)
    switch partition.service {
    case .orders:
      self.init(
        PartitionActor<OrdersMachine>(partition, options, recovery, tenure, clock: clock, in: memory, on: lane))
    case .stock:
      self.init(
        PartitionActor<StockMachine>(partition, options, recovery, tenure, clock: clock, in: memory, on: lane))
    case .payments:
      self.init(
        PartitionActor<PaymentsMachine>(partition, options, recovery, tenure, clock: clock, in: memory, on: lane))
    }
  }
}

extension PartitionEntrance {
  /// Nobody's: the partition has left, and what still comes for its owner is dropped.
  static let gone = PartitionEntrance()

  private init() {
    let nothing = StepResult(effects: Effects(), loads: [], appliedOffset: -1, tick: nil, flags: .isStopped)
    deliver = { _ in }
    standing = { nothing }
    step = { nothing }
    appended = { _ in }
    look = { _ in nil }
    read = { _, _ in (.refused, nothing) }
    loaded = { _ in nothing }
    loadFailed = { nothing }
    takeCheckpoint = { false }
    checkpointToWrite = { _ in nil }
    checkpointEnded = { _ in }
    unappliedCommands = { [] }
    takeWaitingReads = { [] }
    takeReadsToForward = { [] }
    stepDown = { nothing }
    farewell = { nil }
    lateFarewell = { nil }
    state = {
      PartitionState(
        status: .stopped(offset: -1, reason: "it has left"), appliedOffset: -1, checkpointedOffset: -1,
        queuedRecords: 0, residentCount: 0, dirtyCount: 0, parkedCount: 0, awaitsLoad: false,
        counters: PartitionCounters())
    }
  }
}

/// What a partition put out, and how it stands now.
struct StepResult: Sendable {
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt16
    /// There is more to apply.
    static let canStep = Flags(rawValue: 1)
    /// The store lacks something.
    static let isBehind = Flags(rawValue: 2)
    static let isCheckpointDue = Flags(rawValue: 4)
    static let isDirtyBoundReached = Flags(rawValue: 8)
    static let isStopped = Flags(rawValue: 16)
    /// Something is held back, or a read waits for a lease: look again soon.
    static let awaitsTime = Flags(rawValue: 32)
    /// The owner's `Owned` has not come back yet.
    static let isAnnounced = Flags(rawValue: 64)
    /// Commands wait for a load.
    static let awaitsLoad = Flags(rawValue: 128)
    /// As much was delivered and not applied as may be.
    static let isCrowded = Flags(rawValue: 256)
    /// There is room for more of the log.
    static let hasRoom = Flags(rawValue: 512)
    /// It decides under other bounds than this owner's.
    static let hasOtherLimits = Flags(rawValue: 1_024)
  }

  let effects: Effects
  /// Keys to be loaded now.
  let loads: [EntityKey]
  let appliedOffset: Int64
  /// To be appended now, so that a read gets its lease.
  let tick: Control?
  let flags: Flags
}

/// How a partition stands, for the operator.
struct PartitionState: Sendable {
  let status: PartitionStatus
  let appliedOffset: Int64
  let checkpointedOffset: Int64
  let queuedRecords: Int
  let residentCount: Int
  let dirtyCount: Int
  let parkedCount: Int
  /// Commands wait for a load.
  let awaitsLoad: Bool
  let counters: PartitionCounters
}
