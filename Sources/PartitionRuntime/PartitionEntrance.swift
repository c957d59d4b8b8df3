import Model
import PartitionCore

/// A partition's actor as its lane sees it, whatever its service. Every call is made on the lane.
protocol PartitionEntrance: AnyObject, Sendable {
  func deliver(_ delivery: Delivery)
  /// How it stands, without applying anything.
  func look() -> StepResult
  func step() -> StepResult
  func appended(upTo position: LogPosition)
  func read(_ query: Query, for request: RequestID) -> (ReadResult, StepResult)
  func loaded(_ rows: [EntityChange]) -> StepResult
  func loadFailed() -> StepResult
  func takeCheckpoint() -> Bool
  func checkpointToWrite(durable: LogPosition) -> CheckpointBatch?
  func checkpointEnded(isWritten: Bool)
  func takeWaitingReads() -> [RequestID]
  var state: PartitionState { get }
}

/// What a partition put out, and how it stands now.
struct StepResult: Sendable {
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt8
    /// There is more to apply.
    static let canStep = Flags(rawValue: 1)
    /// The store lacks something.
    static let isBehind = Flags(rawValue: 2)
    static let isCheckpointDue = Flags(rawValue: 4)
    static let isDirtyBoundReached = Flags(rawValue: 8)
    static let isStopped = Flags(rawValue: 16)
  }

  let effects: Effects
  /// Keys to be loaded now.
  let loads: [EntityKey]
  let appliedOffset: Int64
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
  let counters: PartitionCounters
}
