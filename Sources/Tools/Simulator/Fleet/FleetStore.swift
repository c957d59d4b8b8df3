import Model
import PartitionCore
import Streams
import Tenancy

/// The store of a fleet: one epoch, one checkpoint and its rows per partition. Calls name their owner's epoch and what
/// the owner knows to be written; mismatches are refused.
struct FleetStore {
  struct Partition {
    var epoch: UInt64 = 0
    var header: CheckpointHeader?
    var rows: [EntityKey: Entity] = [:]
    var outbox: [OutboxRow] = []
    var replies: [CommandReply] = []
  }

  private let layout: Layout
  private let bug: PlantedBug?
  private var partitions: [Partition]
  /// Copies that a restore may bring back.
  private var copies: [Partition?]
  var quarantined: [Set<UInt64>]
  private(set) var fencedCount = 0
  private(set) var setBackCount = 0
  /// The first thing that was not read as it was written.
  private(set) var flaw: String?

  init(layout: Layout, bug: PlantedBug?) {
    self.layout = layout
    self.bug = bug
    partitions = Array(repeating: Partition(), count: layout.slotCount)
    copies = Array(repeating: nil, count: layout.slotCount)
    quarantined = Array(repeating: [], count: layout.slotCount)
  }

  /// Raises the epoch above every one that was handed out or seen, and reads what recovery needs.
  mutating func acquire(_ slot: Int, above epoch: UInt64) -> (epoch: UInt64, recovery: Recovery) {
    partitions[slot].epoch = max(partitions[slot].epoch, epoch) + 1
    let partition = partitions[slot]
    var pinned: [EntityChange] = []
    var items: Set<EntityKey> = []
    for (key, entity) in partition.rows {
      guard case .hold(let hold) = entity else { continue }
      pinned.append(EntityChange(key: key, value: entity))
      for line in hold.slip.stops[Int(hold.stop)].lines { items.insert(.item(line.item)) }
    }
    for key in items { pinned.append(EntityChange(key: key, value: partition.rows[key])) }
    let recovery = Recovery(
      header: partition.header, pinned: pinned.sorted { "\($0.key)" < "\($1.key)" },
      quarantined: Set(quarantined[slot].map { Int64(clamping: $0) }), outbox: partition.outbox,
      replies: partition.replies)
    return (partition.epoch, recovery)
  }

  func epoch(_ slot: Int) -> UInt64 { partitions[slot].epoch }
  func header(_ slot: Int) -> CheckpointHeader? { partitions[slot].header }
  func rows(_ slot: Int) -> [EntityKey: Entity] { partitions[slot].rows }

  /// The rows of some keys; nil if the caller has been replaced, or the store lacks what it is known to have had.
  mutating func load(_ keys: [EntityKey], _ slot: Int, epoch: UInt64, atLeast number: UInt64) -> [EntityChange]? {
    guard isCurrent(slot, epoch, number) else { return nil }
    return keys.map { EntityChange(key: $0, value: partitions[slot].rows[$0]) }
  }

  /// Whether the store now holds something else.
  func differs(from rows: [EntityChange], _ slot: Int) -> Bool {
    rows.contains { partitions[slot].rows[$0.key] != $0.value }
  }

  /// Writes a checkpoint in one transaction. Returns false where `load` returns nil.
  ///
  /// - Parameter isCutShort: the writer dies in the middle; that is a difference only if there are two transactions.
  mutating func write(
    _ checkpoint: CheckpointBatch, _ slot: Int, epoch: UInt64, after number: UInt64, isCutShort: Bool = false
  ) -> Bool {
    let isUnchecked = bug.is(.epochNotCheckedAtWrite) || bug.is(.staleZombieCheckpoint)
    guard isCurrent(slot, isUnchecked ? nil : epoch, number) else { return false }
    for change in checkpoint.changes { put(change, slot) }
    if isCutShort, bug.is(.offsetSavedApart) { return false }
    do {
      partitions[slot].header = try Bytes.same(checkpoint.header)
      partitions[slot].outbox = try checkpoint.outbox.map(Bytes.same)
      partitions[slot].replies = bug.is(.repliesNotStored) ? [] : try checkpoint.replies.map(Bytes.same)
    } catch {
      flaw = flaw ?? "the checkpoint of \(layout.partitions[slot]) cannot be read: \(error)"
    }
    return true
  }

  private mutating func put(_ change: EntityChange, _ slot: Int) {
    if bug.is(.idempotencyNotStored), case .idempotency = change.key { return }
    do {
      let row = try Bytes.same(change)
      partitions[slot].rows[row.key] = row.value
    } catch {
      flaw = flaw ?? "the row of \(change.key) cannot be read: \(error)"
    }
  }

  /// - Parameter epoch: nil if it does not matter.
  private mutating func isCurrent(_ slot: Int, _ epoch: UInt64?, _ number: UInt64) -> Bool {
    guard epoch ?? partitions[slot].epoch == partitions[slot].epoch else {
      fencedCount += 1
      return false
    }
    guard partitions[slot].header?.number ?? 0 >= number else {
      setBackCount += 1
      return false
    }
    return true
  }

  mutating func copy(_ slot: Int) { copies[slot] = partitions[slot] }

  /// Restores a partition from its copy, including the epoch. Returns false if there is none.
  mutating func restore(_ slot: Int) -> Bool {
    guard let copy = copies[slot] else { return false }
    partitions[slot] = copy
    return true
  }
}
