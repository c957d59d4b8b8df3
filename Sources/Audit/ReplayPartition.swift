import Model
import Orders
import PartitionCore
import Payments
import Stock

/// One partition's real loop, fed by an audit instead of a lane.
protocol ReplayPartition: AnyObject {
  /// Applies records, loading what they need with `load`. Returns the messages that they caused.
  func apply(_ deliveries: [Delivery], load: ([EntityKey]) throws -> [EntityChange]) throws -> [Effects.Outbound]
  var status: PartitionStatus { get }
  var appliedOffset: Int64 { get }
  /// Entries of the record behind `appliedOffset` that were applied.
  var appliedEntries: Int { get }
  /// The partition's own row, as a checkpoint of now would write it.
  var header: CheckpointHeader { get }
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
  /// Everything that changed since the loop began, with the header it leads to; nil when nothing did.
  func takeChanges() -> CheckpointBatch?
}

/// Makes the loop of a partition that forgets nothing.
func makeReplayPartition(
  _ partition: PartitionID, of source: any AuditSource, _ recovery: Recovery
) -> any ReplayPartition {
  switch partition.service {
  case .orders: LoopReplay<OrdersMachine>(partition, source, recovery)
  case .stock: LoopReplay<StockMachine>(partition, source, recovery)
  case .payments: LoopReplay<PaymentsMachine>(partition, source, recovery)
  }
}

private final class LoopReplay<Machine: StateMachine>: ReplayPartition {
  private var loop: PartitionLoop<Machine>

  init(_ partition: PartitionID, _ source: any AuditSource, _ recovery: Recovery) {
    var limits = CoreLimits()
    limits.residentMax = .max
    loop = PartitionLoop(partition: partition, partitioner: source.partitioner, limits: limits, recovery: recovery)
  }

  func apply(
    _ deliveries: [Delivery], load: ([EntityKey]) throws -> [EntityChange]
  ) throws -> [Effects.Outbound] {
    var effects = Effects()
    for delivery in deliveries { loop.deliver(delivery) }
    while true {
      loop.step(into: &effects)
      let keys = loop.keysToLoad()
      guard !keys.isEmpty || loop.canStep else { break }
      if !keys.isEmpty { loop.loaded(try load(keys), into: &effects) }
    }
    loop.appended(upTo: .zero)
    return effects.messages
  }

  var status: PartitionStatus { loop.status }
  var appliedOffset: Int64 { loop.appliedOffset }
  var appliedEntries: Int { loop.appliedEntries }
  var header: CheckpointHeader { loop.header }
  func forEachEntity(_ body: (EntityKey, Entity) -> Void) { loop.forEachEntity(body) }

  func takeChanges() -> CheckpointBatch? {
    loop.takeCheckpoint()
    return loop.checkpointToWrite(durable: LogPosition(.max))
  }
}
