import Model
import Orders
import PartitionCore
import Payments
import Stock

/// One partition under the rules of version 0.1.0.
protocol FormerPartition: AnyObject {
  /// Applies a record, loading what it needs with `load`. Returns the messages it caused.
  func apply(_ delivery: Delivery, load: ([EntityKey]) throws -> [EntityChange]) throws -> [Effects.Outbound]
  /// Whether a message was not seen before.
  func isNew(_ message: PartitionMessage) -> Bool
  var status: PartitionStatus { get }
  /// Everything that has changed since the start, with the resulting header; nil if nothing has.
  func takeChanges() -> CheckpointBatch?
}

func makeFormerPartition(
  _ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery
) -> any FormerPartition {
  switch partition.service {
  case .orders: FormerLoop<OrdersMachine>(partition, partitioner, recovery)
  case .stock: FormerLoop<StockMachine>(partition, partitioner, recovery)
  case .payments: FormerLoop<PaymentsMachine>(partition, partitioner, recovery)
  }
}

private final class FormerLoop<Machine: StateMachine>: FormerPartition {
  private var loop: PartitionLoop<Machine>

  init(_ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery) {
    var limits = CoreLimits()
    limits.residentMax = .max
    loop = PartitionLoop(partition: partition, partitioner: partitioner, limits: limits, recovery: recovery)
  }

  func apply(_ delivery: Delivery, load: ([EntityKey]) throws -> [EntityChange]) throws -> [Effects.Outbound] {
    loop.deliver(delivery)
    return try loop.run(load: load)
  }

  func isNew(_ message: PartitionMessage) -> Bool { loop.awaits(message) }

  var status: PartitionStatus { loop.status }

  func takeChanges() -> CheckpointBatch? {
    loop.takeCheckpoint()
    return loop.checkpointToWrite(durable: LogPosition(.max))
  }
}
