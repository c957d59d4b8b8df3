import Model
import Orders
import PartitionCore
import Payments
import Stock

/// The partition loop of any service: the product's own code, without its machine's type.
protocol PartitionDriver {
  var appliedOffset: Int64 { get }
  var checkpointedOffset: Int64 { get }
  var canStep: Bool { get }
  var queuedRecords: Int { get }
  var isBehind: Bool { get }
  var isCheckpointing: Bool { get }
  var isDirtyBoundReached: Bool { get }
  /// Where and why the partition stopped, if it has.
  var stop: (offset: Int64, reason: String)? { get }
  var evictions: UInt64 { get }
  var dedupDrops: UInt64 { get }
  var ledger: Ledger { get }
  var tenure: Tenure? { get set }
  var ruleLimits: RuleLimits { get }
  var isSuperseded: Bool { get }
  var awaitsTime: Bool { get }
  var hasWaitingReads: Bool { get }
  var farewell: Control? { get }
  var lateFarewell: (control: Control, at: Int64)? { get }

  mutating func deliver(_ delivery: Delivery)
  mutating func step(into effects: inout Effects)
  mutating func appended(upTo position: LogPosition)
  mutating func keysToLoad() -> [EntityKey]
  mutating func loaded(_ rows: [EntityChange], at now: Int64, into effects: inout Effects)
  mutating func loadFailed()
  /// Returns false if the read was refused.
  mutating func ask(_ query: Query, for request: RequestID, at now: Int64, into effects: inout Effects) -> Bool
  mutating func takeCheckpoint() -> Bool
  mutating func checkpointToWrite(durable: LogPosition) -> CheckpointBatch?
  mutating func checkpointEnded(isWritten: Bool)
  mutating func evict()
  mutating func takeWaitingReads() -> [RequestID]
  mutating func takeReadsToForward() -> [(query: Query, request: RequestID)]
  mutating func pass(_ now: Int64, into effects: inout Effects)
  mutating func tickToAppend(_ now: Int64) -> Control?
  mutating func stepDown()
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
}

extension PartitionLoop: PartitionDriver {
  var stop: (offset: Int64, reason: String)? {
    switch status {
    case .stopped(let offset, let reason), .broken(let offset, let reason): return (offset, reason)
    case .running, .superseded: return nil
    }
  }
  var evictions: UInt64 { counters.evictions }
  var dedupDrops: UInt64 { counters.dedupDrops }
  var ledger: Ledger { machine.ledger }

  var isSuperseded: Bool { if case .superseded = status { true } else { false } }

  mutating func ask(_ query: Query, for request: RequestID, at now: Int64, into effects: inout Effects) -> Bool {
    read(query, for: request, at: now, into: &effects) != .refused
  }
}

extension World {
  /// A partition's loop as the product runs it, or around a machine with the run's planted bug.
  static func makeDriver(
    _ partition: PartitionID, _ layout: Layout, _ limits: CoreLimits, _ recovery: Recovery, bug: PlantedBug?
  ) -> any PartitionDriver {
    func loop<Machine: StateMachine>(_ machine: Machine.Type) -> any PartitionDriver {
      PartitionLoop<Machine>(
        partition: partition, partitioner: layout.partitioner, limits: limits, recovery: recovery)
    }
    switch (partition.service, bug) {
    case (.stock, .releasedTwice): return loop(ReleasingTwice.self)
    case (.stock, .partialHold): return loop(HoldingInPart.self)
    case (.orders, .linesNotMerged): return loop(NotMerging.self)
    case (.orders, .dirtyEvicted): return loop(Forgetting<OrdersMachine>.self)
    case (.stock, .dirtyEvicted): return loop(Forgetting<StockMachine>.self)
    case (.payments, .dirtyEvicted): return loop(Forgetting<PaymentsMachine>.self)
    case (.orders, .loadOlderThanMemory): return loop(Overwriting<OrdersMachine>.self)
    case (.payments, .loadOlderThanMemory): return loop(Overwriting<PaymentsMachine>.self)
    case (.orders, _): return loop(OrdersMachine.self)
    case (.stock, _): return loop(StockMachine.self)
    case (.payments, _): return loop(PaymentsMachine.self)
    }
  }
}
