import Model
import Orders
import PartitionCore
import Payments
import Stock

/// A partition of a cluster: anybody appends to its log, and a message says by which record it was caused.
package final class LoopReplay: ReplayPartition {
  package struct Caused: CausedMessage {
    package let destination: PartitionID
    let entry: Entry
  }

  package let partition: PartitionID
  private var loop: any AuditedLoop
  private var caused: [Caused] = []
  /// The newest record of each source whose message stands in the log, replayed or not.
  private var neededThrough: [PartitionID: Int64] = [:]

  package init(_ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery) {
    self.partition = partition
    // It forgets nothing.
    var limits = CoreLimits()
    limits.residentMax = .max
    func make<Machine: StateMachine>(_: Machine.Type) -> any AuditedLoop {
      PartitionLoop<Machine>(partition: partition, partitioner: partitioner, limits: limits, recovery: recovery)
    }
    switch partition.service {
    case .orders: loop = make(OrdersMachine.self)
    case .stock: loop = make(StockMachine.self)
    case .payments: loop = make(PaymentsMachine.self)
    }
  }

  package func apply(_ deliveries: [Delivery], load: EntityLoad) throws {
    for delivery in deliveries {
      noteSources(of: delivery)
      loop.deliver(delivery)
    }
    try run(load)
  }

  private func noteSources(of delivery: Delivery) {
    guard case .record(let record) = delivery.content else { return }
    for entry in record.entries {
      guard case .message(let message) = entry.body else { continue }
      neededThrough[message.source] = max(neededThrough[message.source] ?? -1, message.position.offset)
    }
  }

  private func run(_ load: EntityLoad) throws {
    caused += try loop.run(load: load).map { Caused(destination: $0.to, entry: $0.entry) }
  }

  package func takeMessages() -> [Caused] {
    defer { caused = [] }
    return caused
  }

  package func receive(_ message: Caused, from source: PartitionID, load: EntityLoad) throws {
    let record = Record(entries: [message.entry])
    loop.deliver(
      Delivery(partition: partition, offset: loop.appliedOffset + 1, position: .zero, content: .record(record)))
    try run(load)
  }

  package var sources: [PartitionID] { neededThrough.keys.sorted() }

  package func need(from sender: LoopReplay) -> MessageNeed? {
    neededThrough[sender.partition].map { offset in
      MessageNeed(
        through: offset,
        sentence: "a message came from offset \(offset) of \(sender.partition), and its log ends before that")
    }
  }

  /// None: a receiver keeps the newest record of each source only, which says nothing about how many there were.
  package var destinations: [PartitionID] { [] }
  package func loss(of sender: LoopReplay) -> String? { nil }

  package var status: PartitionStatus { loop.status }
  package var appliedOffset: Int64 { loop.appliedOffset }
  /// The store is told of a record, not of an entry.
  package var poisonousEntry: Int? { nil }
  package var voidRecords: Int { 0 }
  package var findings: [String] { [] }
  package var header: CheckpointHeader { loop.header }
  package func agrees(with checkpoint: CheckpointHeader) -> Bool { header == checkpoint }
  package func forEachEntity(_ body: (EntityKey, Entity) -> Void) { loop.forEachEntity(body) }

  package func takeChanges() -> [EntityChange] {
    loop.takeCheckpoint()
    return loop.checkpointToWrite(durable: LogPosition(.max))?.changes ?? []
  }
}

extension Delivery: LogEntry {}

/// The loop, whatever the service of its partition.
private protocol AuditedLoop {
  var status: PartitionStatus { get }
  var appliedOffset: Int64 { get }
  var header: CheckpointHeader { get }
  mutating func deliver(_ delivery: Delivery)
  mutating func run(load: ([EntityKey]) throws -> [EntityChange]) rethrows -> [Effects.Outbound]
  @discardableResult mutating func takeCheckpoint() -> Bool
  mutating func checkpointToWrite(durable: LogPosition) -> CheckpointBatch?
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
}

extension PartitionLoop: AuditedLoop {}
