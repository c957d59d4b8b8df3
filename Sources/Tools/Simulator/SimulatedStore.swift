import Model
import PartitionCore
import Wire

/// The store of a simulated world: rows as bytes, one header and one epoch per partition. The world decides whether a
/// call fails, is late or loses its answer.
struct SimulatedStore {
  struct Row {
    let key: EntityKey
    let bytes: [UInt8]
    /// Only for idempotency records.
    let expiry: Timestamp?
  }

  private struct Partition {
    var epoch: UInt64 = 0
    var header: [UInt8]?
    var rows: [EntityKey: Row] = [:]
  }

  private var partitions: [Partition]
  private let layout: Layout
  private let bug: PlantedBug?
  /// Calls refused because their owners had been replaced.
  private(set) var fencedCount = 0

  init(layout: Layout, bug: PlantedBug?) {
    self.layout = layout
    self.bug = bug
    partitions = Array(repeating: Partition(), count: layout.slotCount)
  }

  /// Raises the epoch and reads what recovery needs.
  mutating func acquire(_ partition: PartitionID) throws(WireError) -> (epoch: UInt64, recovery: Recovery) {
    let slot = layout.slot(partition)
    partitions[slot].epoch += 1
    return (partitions[slot].epoch, Recovery(header: try header(of: partition), pinned: try pinned(slot)))
  }

  func epoch(of partition: PartitionID) -> UInt64 { partitions[layout.slot(partition)].epoch }

  func header(of partition: PartitionID) throws(WireError) -> CheckpointHeader? {
    guard let bytes = partitions[layout.slot(partition)].header else { return nil }
    return try withBytes(bytes, CheckpointCodec.decode)
  }

  /// Every hold, and every item that a hold names, in key order.
  private func pinned(_ slot: Int) throws(WireError) -> [EntityChange] {
    var pinned: [EntityChange] = []
    var items: Set<ItemID> = []
    for row in sortedRows(slot) {
      guard case .hold = row.key else { continue }
      let entity = try decode(row)
      pinned.append(EntityChange(key: row.key, value: entity))
      guard case .hold(let hold) = entity else { continue }
      for line in hold.lines where items.insert(line.item).inserted {
        pinned.append(try value(of: .item(line.item), slot))
      }
    }
    return pinned
  }

  /// Reads keys for the owner of an epoch; nil if it has been replaced.
  mutating func load(_ keys: [EntityKey], of partition: PartitionID, epoch: UInt64) throws(WireError) -> [EntityChange]?
  {
    let slot = layout.slot(partition)
    guard partitions[slot].epoch == epoch || bug == .epochNotCheckedAtLoad else {
      fencedCount += 1
      return nil
    }
    var rows: [EntityChange] = []
    for key in keys { rows.append(try value(of: key, slot)) }
    return rows
  }

  /// Whether the store now holds something else.
  func differs(from rows: [EntityChange], in partition: PartitionID) -> Bool {
    rows.contains { row in
      (try? value(of: row.key, layout.slot(partition))) != row
    }
  }

  /// Writes a checkpoint in one transaction; false if its owner has been replaced.
  mutating func write(_ batch: CheckpointBatch, epoch: UInt64, isCrashing: Bool = false) -> Bool {
    let slot = layout.slot(batch.header.partition)
    let isChecked = bug != .epochNotCheckedAtWrite && bug != .staleZombieCheckpoint
    guard partitions[slot].epoch == epoch || !isChecked else {
      fencedCount += 1
      return false
    }
    for change in batch.changes { put(change, slot) }
    if bug == .offsetSavedApart && isCrashing { return false }
    let now = batch.header.now
    partitions[slot].rows = partitions[slot].rows.filter { _, row in row.expiry.map { $0 > now } ?? true }
    var bytes: [UInt8] = []
    CheckpointCodec.encode(batch.header, into: &bytes)
    partitions[slot].header = bytes
    return true
  }

  private mutating func put(_ change: EntityChange, _ slot: Int) {
    if bug == .idempotencyNotStored, case .idempotency = change.key { return }
    guard let value = change.value else {
      partitions[slot].rows[change.key] = nil
      return
    }
    var bytes: [UInt8] = []
    EntityCodec.encode(value, into: &bytes)
    var expiry: Timestamp?
    if case .idempotency(let record) = value { expiry = record.expiry }
    partitions[slot].rows[change.key] = Row(key: change.key, bytes: bytes, expiry: expiry)
  }

  private func value(of key: EntityKey, _ slot: Int) throws(WireError) -> EntityChange {
    EntityChange(key: key, value: try partitions[slot].rows[key].map { row throws(WireError) in try decode(row) })
  }

  /// Every row of a partition, in key order.
  func entities(of partition: PartitionID) throws(WireError) -> [(key: EntityKey, value: Entity)] {
    var entities: [(key: EntityKey, value: Entity)] = []
    for row in sortedRows(layout.slot(partition)) { entities.append((row.key, try decode(row))) }
    return entities
  }

  private func sortedRows(_ slot: Int) -> [Row] {
    partitions[slot].rows.values
      .map { (kind: EntityCodec.kind(of: $0.key), text: EntityCodec.text(of: $0.key), row: $0) }
      .sorted { ($0.kind, $0.text) < ($1.kind, $1.text) }
      .map(\.row)
  }

  private func decode(_ row: Row) throws(WireError) -> Entity {
    let key = row.key
    return try withBytes(row.bytes) { bytes throws(WireError) in try EntityCodec.decode(bytes, for: key) }
  }
}

private func withBytes<Value>(
  _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(WireError) -> Value
) throws(WireError) -> Value {
  let result = bytes.withUnsafeBytes { bytes -> Result<Value, WireError> in
    do throws(WireError) {
      return .success(try body(bytes))
    } catch {
      return .failure(error)
    }
  }
  return try result.get()
}
