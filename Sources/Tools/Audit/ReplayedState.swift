import Model
import PartitionCore

/// The state once everything in the log has been applied: the store's checkpoints, with the log's tail replayed over
/// them by the real rules, and every message not yet in the log delivered. Nothing is written.
package final class ReplayedState {
  package let source: any AuditSource
  /// Records of the log that the store did not include.
  package let recordsReplayed: Int
  /// Inconsistencies between log and store.
  let findings: [String]
  private let replays: [PartitionID: TenancyReplay]
  private var changes: [PartitionID: [EntityKey: Entity?]] = [:]

  /// Replays the tail. `progress` gets the number of records read so far.
  /// - Throws: `LogFailure`, `StoreFailure`.
  package init(_ source: any AuditSource, progress: (Int) -> Void = { _ in }) throws {
    let tail = try TailReplay(source, progress: progress)
    self.source = source
    recordsReplayed = tail.recordsReplayed
    findings = tail.findings
    replays = tail.replays
    for (partition, replay) in replays {
      for change in replay.takeChanges() { changes[partition, default: [:]][change.key] = .some(change.value) }
    }
  }

  package var partitions: [PartitionID] { source.partitions }
  package var headers: [PartitionID: CheckpointHeader] { source.headers }

  package func status(of partition: PartitionID) -> PartitionStatus { replays[partition]?.status ?? .running }

  package func appliedOffset(of partition: PartitionID) -> Int64 { replays[partition]?.appliedOffset ?? -1 }

  /// The partition's own row in the final state.
  package func header(of partition: PartitionID) -> CheckpointHeader? { replays[partition]?.header }

  /// Which entry of the record after `appliedOffset` cannot be applied; nil if none is to blame.
  package func poisonousEntry(of partition: PartitionID) -> Int? { replays[partition]?.poisonousEntry }

  /// Records of the tail that leave no trace.
  package func voidRecords(of partition: PartitionID) -> Int { replays[partition]?.voidRecords ?? 0 }

  package func ledger(of partition: PartitionID) -> Ledger { replays[partition]?.header.ledger ?? Ledger() }

  /// One entity in the final state; nil if there is none.
  /// - Throws: `StoreFailure`.
  package func entity(_ key: EntityKey, of partition: PartitionID) throws -> Entity? {
    if let changed = changes[partition]?[key] { return changed }
    return try source.entities([key], of: partition).first?.value
  }

  /// Every entity of a partition in the final state, in no particular order.
  /// - Throws: `StoreFailure`, or what `body` throws.
  package func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    let changed = changes[partition] ?? [:]
    try source.forEachEntity(of: partition) { key, entity in
      if changed[key] == nil { try body(key, entity) }
    }
    for (key, entity) in changed {
      if let entity { try body(key, entity) }
    }
  }
}
