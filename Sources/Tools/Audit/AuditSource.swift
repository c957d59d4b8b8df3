import Ports
import Model
import PartitionCore
import Wire

/// A log and a store that belong together: of a data folder, or of a cluster. Nothing is written. Owned by one thread.
package protocol AuditSource: AnyObject {
  var partitioner: Partitioner { get }
  /// The newest checkpoint of every partition that has one.
  var headers: [PartitionID: CheckpointHeader] { get }

  // MARK: The store, as of the moment of `headers`

  /// What a partition's owner starts from.
  func recovery(of partition: PartitionID) throws -> Recovery
  /// A partition's unacknowledged messages, which the store keeps.
  func unsent(of partition: PartitionID) throws -> [OutboxRow]
  /// Some entities, nil for missing ones, in the order of the keys.
  func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange]
  /// Every entity of a partition, ordered by (kind, key).
  func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws

  /// What a partition's checkpoint says that its rows add up to, and what they add up to; nil if it says nothing.
  func totals(of partition: PartitionID) throws -> (kept: StoreTotals, found: StoreTotals)?

  // MARK: The log

  /// The offsets of a partition's records: at least those on which messages in the other partitions' ranges depend at
  /// that time.
  func offsets(of partition: PartitionID) throws -> Range<Int64>
  /// Passes the records of some ranges to `body`: each batch from one partition, each partition's in order.
  func forEachBatch(in ranges: [PartitionID: Range<Int64>], _ body: ([LoggedRecord]) throws -> Void) throws
  /// Whether several processes may write it: then records that leave no trace are not findings.
  var isShared: Bool { get }
  /// Whether reading partitions one by one costs no more than reading them together.
  var isReadApart: Bool { get }
}

extension AuditSource {
  /// All partitions, ascending.
  package var partitions: [PartitionID] {
    Service.allCases.flatMap { service in (0..<partitioner.count).map { PartitionID(service, UInt16($0)) } }
  }
}
