import Model
import Orders
import PartitionCore
import Payments
import Stock
import Testing
import Wire

/// Whatever can be decoded can be delivered: a partition applies it or stops, and sends nothing to nowhere.
@Suite struct LoopFuzzTests {
  private struct Tally {
    var applied = 0
    var stopped = 0
    var sent = 0
  }

  @Test(arguments: [1, 3, 4_096], [UInt64(1), 2, 3])
  func anyRecordIsAppliedOrStopsItsPartition(_ count: Int, _ seed: UInt64) throws {
    var random = Arbitrary(seed: seed)
    let partitioner = try #require(Partitioner(count: count))
    var tally = Tally()
    for _ in 0..<60 {
      try run(OrdersMachine.self, .orders, partitioner, &random, &tally)
      try run(StockMachine.self, .stock, partitioner, &random, &tally)
      try run(PaymentsMachine.self, .payments, partitioner, &random, &tally)
    }
    #expect(tally.applied > 50 && tally.stopped > 50, "\(tally)")
    if count == 4_096 { #expect(tally.sent > 10, "\(tally)") }
  }

  /// One owner after the other, each from arbitrary rows, until it stops or has had enough.
  private func run<Machine: StateMachine>(
    _ machine: Machine.Type, _ service: Service, _ partitioner: Partitioner, _ random: inout Arbitrary,
    _ tally: inout Tally
  ) throws {
    let partition = PartitionID(service, UInt16(random.pick([0, 7, partitioner.count - 1]) % partitioner.count))
    let pinned = service == .stock ? random.list(max: 1) { self.hold($0.slip(), at: partition) } : []
    var loop = PartitionLoop<Machine>(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: pinned))
    var effects = Effects()
    for offset in 0..<40 {
      var bytes: [UInt8] = []
      RecordCodec.encode(record(of: service, &random), into: &bytes)
      let decoded = try bytes.withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
      loop.deliver(
        Delivery(partition: partition, offset: Int64(offset), position: .zero, content: .record(decoded)))
      while loop.canStep {
        loop.step(into: &effects)
        let keys = loop.keysToLoad()
        if keys.isEmpty { continue }
        // A batch asks for thousands.
        let isMany = keys.count > 64
        loop.loaded(
          keys.map { EntityChange(key: $0, value: isMany ? nil : random.entity(for: $0)) }, into: &effects)
      }
    }
    loop.takeCheckpoint()
    loop.evict()
    tally.applied += Int(loop.counters.entriesApplied)
    if loop.status != .running { tally.stopped += 1 }
    tally.sent += effects.messages.count
    for message in effects.messages { #expect(Int(message.to.index) < partitioner.count) }
  }

  /// Mostly what the service gets, so that a partition does not stop at once.
  private func record(of service: Service, _ random: inout Arbitrary) -> Record {
    var record = random.record(entriesMax: 2)
    if random.below(8) == 0 { return record }
    record.entries.removeAll { entry in
      switch entry.body {
      case .command(let command): command.command.service != service
      case .message(let message): service != message.message.receiver
      case .control: true
      }
    }
    return record
  }

  private func hold(_ slip: Slip, at partition: PartitionID) -> EntityChange {
    let stop = slip.stops.firstIndex { $0.partition == partition.index } ?? 0
    return EntityChange(
      key: .hold(slip.attempt), value: .hold(Hold(slip: slip, stop: UInt16(stop), status: .held)))
  }
}

extension Message {
  fileprivate var receiver: Service {
    switch self {
    case .paid, .failed: .orders
    case .reserve, .commit, .release: .stock
    case .charge, .forgetPayment: .payments
    }
  }
}

extension Arbitrary {
  /// What a store may say of a key.
  fileprivate mutating func entity(for key: EntityKey) -> Entity? {
    for _ in 0..<20 {
      let (other, entity) = row()
      switch (key, other) {
      case (.order, .order), (.item, .item), (.hold, .hold), (.user, .user), (.payment, .payment),
        (.idempotency, .idempotency):
        return entity
      default: continue
      }
    }
    return nil
  }
}
