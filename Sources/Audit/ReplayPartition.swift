import Model
import Orders
import PartitionCore
import Payments
import Stock

/// One partition's real loop, fed by an audit instead of a lane.
protocol ReplayPartition: AnyObject {
  /// Applies a record, loading what it needs with `load`. Returns the messages it caused.
  func apply(_ delivery: Delivery, load: (EntityKey) throws -> Entity?) throws -> [Effects.Outbound]
  var status: PartitionStatus { get }
  var appliedOffset: Int64 { get }
  /// Entries of the record behind `appliedOffset` that were applied.
  var appliedEntries: Int { get }
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
  /// Everything that changed since the loop began, with the header it leads to; nil when nothing did.
  func takeChanges() -> CheckpointBatch?
}

/// Makes the loop of a partition that forgets nothing.
func makeReplayPartition(
  _ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery
) -> any ReplayPartition {
  switch partition.service {
  case .orders: LoopReplay<OrdersMachine>(partition, partitioner, recovery)
  case .stock: LoopReplay<StockMachine>(partition, partitioner, recovery)
  case .payments: LoopReplay<PaymentsMachine>(partition, partitioner, recovery)
  }
}

private final class LoopReplay<Machine: StateMachine>: ReplayPartition {
  private var loop: PartitionLoop<Machine>

  init(_ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery) {
    var limits = CoreLimits()
    limits.residentMax = .max
    loop = PartitionLoop(partition: partition, partitioner: partitioner, limits: limits, recovery: recovery)
  }

  func apply(_ delivery: Delivery, load: (EntityKey) throws -> Entity?) throws -> [Effects.Outbound] {
    var effects = Effects()
    loop.deliver(delivery)
    while true {
      loop.step(into: &effects)
      let keys = loop.keysToLoad()
      guard !keys.isEmpty || loop.canStep else { break }
      if !keys.isEmpty {
        loop.loaded(try keys.map { EntityChange(key: $0, value: try load($0)) }, into: &effects)
      }
    }
    loop.appended(upTo: .zero)
    return effects.messages
  }

  var status: PartitionStatus { loop.status }
  var appliedOffset: Int64 { loop.appliedOffset }
  var appliedEntries: Int { loop.appliedEntries }
  func forEachEntity(_ body: (EntityKey, Entity) -> Void) { loop.forEachEntity(body) }

  func takeChanges() -> CheckpointBatch? {
    loop.takeCheckpoint()
    return loop.checkpointToWrite(durable: LogPosition(.max))
  }
}
