import Dispatch
import Model
import PartitionCore
import Synchronization

/// The in-memory twin of a store. It performs requests at once, on the calling thread, unless a test holds back the
/// completions; each load sees every write requested before it.
public final class MemoryStore: StateStore {
  fileprivate struct Partition: Sendable {
    var epoch: UInt64 = 0
    var header: CheckpointHeader?
    var entities: [EntityKey: Entity] = [:]
    var quarantined: Set<Int64> = []
    var outbox: [OutboxRow] = []
    var replies: [CommandReply] = []
  }

  private struct State: Sendable {
    var partitions: [PartitionID: Partition] = [:]
    /// What the newest owners know to be written; no restore changes it.
    var acknowledged: [PartitionID: (epoch: UInt64, offset: Int64?)] = [:]
    var writeFailure: StoreFailure?
    var readFailure: StoreFailure?
    var isHeld = false
    var held: [@Sendable () -> Void] = []
    var isClosed = false
    /// Acquiring a partition of these services waits.
    var gates: [Service: DispatchSemaphore] = [:]
  }

  private let state = Mutex(State())

  public init() {}

  public func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    if let gate = state.withLock({ $0.gates[partition.service] }) {
      gate.wait()
      gate.signal()
    }
    return try state.withLock { state throws(StoreFailure) in
      if state.isClosed { throw Self.closed }
      if let failure = state.writeFailure { throw failure }
      var found = state.partitions[partition] ?? Partition()
      let (epoch, overflow) = max(found.epoch, floor).addingReportingOverflow(1)
      if overflow { throw StoreFailure(.format, "the store in memory: the epoch of \(partition) is out of range") }
      found.epoch = epoch
      state.partitions[partition] = found
      state.acknowledged[partition] = (epoch, found.header?.offset)
      return Ownership(
        epoch: found.epoch,
        recovery: Recovery(
          header: found.header, pinned: Self.pinned(in: found.entities), quarantined: found.quarantined,
          outbox: found.outbox, replies: found.replies))
    }
  }

  private static func pinned(in entities: [EntityKey: Entity]) -> [EntityChange] {
    var pinned: [EntityChange] = []
    var items: Set<ItemID> = []
    for (key, entity) in entities {
      guard case .hold(let hold) = entity else { continue }
      pinned.append(EntityChange(key: key, value: entity))
      items.formUnion(hold.lines.map(\.item))
    }
    for item in items { pinned.append(EntityChange(key: .item(item), value: entities[.item(item)])) }
    return pinned
  }

  public func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  ) {
    let result = state.withLock { state -> Result<[EntityChange], StoreFailure> in
      if let failure = refusal(state, partition, epoch, state.readFailure) { return .failure(failure) }
      let entities = state.partitions[partition]?.entities ?? [:]
      return .success(keys.map { EntityChange(key: $0, value: entities[$0]) })
    }
    finish { completion(result) }
  }

  public func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  ) {
    let result = state.withLock { state -> Result<[StoredOrder], StoreFailure> in
      if let failure = refusal(state, partition, epoch, state.readFailure) { return .failure(failure) }
      let entities = state.partitions[partition]?.entities ?? [:]
      let orders = entities.compactMap { StoredOrder(EntityChange(key: $0, value: $1)) }
      let rest = orders.filter { order in after.map { $0 < order.id } ?? true }
      return .success(Array(rest.sorted { $0.id < $1.id }.prefix(limit)))
    }
    finish { completion(result) }
  }

  public func write(
    _ batch: CheckpointBatch, epoch: UInt64,
    completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void
  ) {
    let result = state.withLock { state -> Result<Void, StoreFailure> in
      let partition = batch.header.partition
      if let failure = refusal(state, partition, epoch, state.writeFailure) { return .failure(failure) }
      Self.write(batch, to: &state.partitions[partition, default: Partition()])
      state.acknowledged[partition] = (epoch, batch.header.offset)
      return .success(())
    }
    finish { completion(result) }
  }

  private static func write(_ batch: CheckpointBatch, to partition: inout Partition) {
    partition.header = batch.header
    partition.outbox = batch.outbox.sorted { ($0.destination, $0.number) < ($1.destination, $1.number) }
    partition.replies = batch.replies
    for change in batch.changes { partition.entities[change.key] = change.value }
    for (key, entity) in partition.entities {
      if case .idempotency(let record) = entity, record.expiry <= batch.header.now { partition.entities[key] = nil }
    }
  }

  private func refusal(
    _ state: borrowing State, _ partition: PartitionID, _ epoch: UInt64, _ failure: StoreFailure?
  ) -> StoreFailure? {
    if state.isClosed { return Self.closed }
    if let failure { return failure }
    let found = state.partitions[partition] ?? Partition()
    if found.epoch > epoch {
      return StoreFailure(.fenced, "the store in memory: \(partition) has epoch \(found.epoch), newer than \(epoch)")
    }
    let known = state.acknowledged[partition].flatMap { $0.epoch == epoch ? $0.offset : nil } ?? -1
    let offset = found.header?.offset ?? -1
    guard found.epoch < epoch || offset < known else { return nil }
    return StoreFailure(
      .setBack,
      "the store in memory: \(partition) was set back from epoch \(epoch), offset \(known) to epoch \(found.epoch), "
        + "offset \(offset)")
  }

  private func finish(_ completion: @escaping @Sendable () -> Void) {
    let isHeld = state.withLock { state in
      if state.isHeld { state.held.append(completion) }
      return state.isHeld
    }
    if !isHeld { completion() }
  }

  public func close() {
    state.withLock { $0.isClosed = true }
    holdAcquisitions(of: [])
    releaseCompletions()
  }

  private static let closed = StoreFailure(.closed, "the store in memory is closed")

  // MARK: For tests

  /// Writes, and acquiring partitions, fail with this from now on; nil makes them work again.
  public func failWrites(with failure: StoreFailure?) { state.withLock { $0.writeFailure = failure } }
  /// Loads fail with this from now on; nil makes them work again.
  public func failLoads(with failure: StoreFailure?) { state.withLock { $0.readFailure = failure } }

  /// From now on acquiring a partition of these services waits; nothing else does.
  public func holdAcquisitions(of services: Set<Service>) {
    let opened = state.withLock { state in
      let opened = state.gates.filter { !services.contains($0.key) }
      state.gates = state.gates.filter { services.contains($0.key) }
      for service in services where state.gates[service] == nil { state.gates[service] = DispatchSemaphore(value: 0) }
      return opened
    }
    for gate in opened.values { gate.signal() }
  }

  /// From now on no completion is called, until `releaseCompletions`.
  public func holdCompletions() { state.withLock { $0.isHeld = true } }

  /// Calls the held completions, in order, and later ones at once.
  public func releaseCompletions() {
    let held = state.withLock { state in
      state.isHeld = false
      defer { state.held = [] }
      return state.held
    }
    for completion in held { completion() }
  }

  /// The next owner skips what it cannot apply in the record with this number.
  public func quarantine(_ number: Int64, of partition: PartitionID) {
    state.withLock { _ = $0.partitions[partition, default: Partition()].quarantined.insert(number) }
  }

  /// Everything the store holds, as a backup.
  public func backup() -> Backup { state.withLock { Backup(partitions: $0.partitions) } }
  /// Restores everything the store held then, including epochs.
  public func restore(_ backup: Backup) { state.withLock { $0.partitions = backup.partitions } }

  /// What a store held at one moment.
  public struct Backup: Sendable {
    fileprivate let partitions: [PartitionID: Partition]
  }

  /// What the store holds of a partition.
  public func contents(of partition: PartitionID) -> (header: CheckpointHeader?, entities: [EntityKey: Entity]) {
    state.withLock { state in
      (state.partitions[partition]?.header, state.partitions[partition]?.entities ?? [:])
    }
  }
}
