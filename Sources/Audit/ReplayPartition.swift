import Model
import PartitionCore

/// One partition's real machine, fed by an audit instead of a lane. There is one for each kind of log.
package protocol ReplayPartition: AnyObject {
  /// A record of the log.
  associatedtype Logged: LogEntry
  /// A message that a record caused.
  associatedtype Caused: CausedMessage

  /// Starts from what a store says; from the partition's first record where that is nothing.
  init(_ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery)

  /// Applies the next records, loading what they need.
  func apply(_ records: [Logged], load: EntityLoad) throws
  /// Takes the messages that were caused since the last call, or kept by the store, each stream's in order.
  func takeMessages() -> [Caused]
  /// Applies a message of another partition that its log does not have, as a restart would; a repetition is dropped.
  func receive(_ message: Caused, from source: PartitionID, load: EntityLoad) throws

  /// The partitions whose messages it received, and those for which it caused some that can be counted.
  var sources: [PartitionID] { get }
  var destinations: [PartitionID] { get }
  /// What it received of `sender`, and where that comes from; nil when `sender` has caused it for certain.
  func need(from sender: Self) -> MessageNeed?
  /// A sentence about what `sender` caused and nobody can hand over any more; nil when there is no such thing.
  func loss(of sender: Self) -> String?

  var partition: PartitionID { get }
  var status: PartitionStatus { get }
  /// The offset of the newest record that it has gone past.
  var appliedOffset: Int64 { get }
  /// Which entry of the record behind `appliedOffset` cannot be applied, from 0; nil when none is to blame.
  var poisonousEntry: Int? { get }
  /// Records that leave no trace, and sentences about those that should not be there.
  var voidRecords: Int { get }
  var findings: [String] { get }
  /// The partition's own row, as a checkpoint of now would write it.
  var header: CheckpointHeader { get }
  /// Whether that is what a checkpoint says.
  func agrees(with checkpoint: CheckpointHeader) -> Bool
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
  /// Takes every entity that changed since it began.
  func takeChanges() -> [EntityChange]
}

/// Asks a store for entities; nil where there is none, in the order of the keys.
package typealias EntityLoad = ([EntityKey]) throws -> [EntityChange]

/// A record of a log, at its place.
package protocol LogEntry {
  var partition: PartitionID { get }
  var offset: Int64 { get }
}

package protocol CausedMessage: Hashable {
  var destination: PartitionID { get }
}

/// What has to be read of a partition's log, because somebody received what it caused.
package struct MessageNeed {
  /// The offset of the record that caused it; `max` where only the log itself shows it.
  let through: Int64
  /// What it means when the log has no such record.
  let sentence: String
}
