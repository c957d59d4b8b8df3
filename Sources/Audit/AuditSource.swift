import EventLog
import Model
import PartitionCore

/// A log and a store that belong together: of a data folder, or of a cluster. Nothing is written. Owned by one thread.
package protocol AuditSource: AnyObject {
  var partitioner: Partitioner { get }
  /// The newest checkpoint of every partition that has one.
  var headers: [PartitionID: CheckpointHeader] { get }

  // MARK: The store, as of the moment of `headers`

  /// What an owner of a partition starts from.
  func recovery(of partition: PartitionID) throws -> Recovery
  /// The messages of a partition that the store keeps, because nobody has acknowledged them.
  func unsent(of partition: PartitionID) throws -> [OutboxRow]
  /// Some entities, nil where there is none, in the order of the keys.
  func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange]
  /// Every entity of a partition, in the order of (kind, key).
  func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws

  // MARK: The log

  /// The offsets of a partition's records: at least those that messages of the other partitions' own ranges rest on
  /// at that time.
  func offsets(of partition: PartitionID) throws -> Range<Int64>
  /// Hands over the records of some ranges: each batch of one partition, each partition's in order.
  func forEachBatch(in ranges: [PartitionID: Range<Int64>], _ body: ([LoggedRecord]) throws -> Void) throws
  /// Whether several processes may write it: then records that leave no trace are no finding.
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
