import Model
import PartitionCore

/// A record as a log stores it, for tools.
package struct LoggedRecord: Sendable {
  /// A record, or why its bytes are not one.
  package enum Content: Sendable {
    case record(LogRecord)
    case undecodable(reason: String)
  }

  package let partition: PartitionID
  /// The record's place in its partition: 0, 1, 2, … without gaps.
  package let offset: Int64
  /// Its place, from 1, among the records of all partitions; if each partition has its own log, in that.
  package let sequence: UInt64
  package let content: Content

  package init(partition: PartitionID, offset: Int64, sequence: UInt64, content: Content) {
    self.partition = partition
    self.offset = offset
    self.sequence = sequence
    self.content = content
  }
}
