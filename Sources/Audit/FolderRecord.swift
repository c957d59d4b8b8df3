import EventLog
import Model
import PartitionCore
import SQLiteLog
import Tenancy

/// One record of a folder's log, and what it counts for.
package struct FolderRecord: Sendable {
  package enum Standing: Hashable, Sendable {
    case counted
    /// It leaves no trace.
    case void(RecordFilter.Void)
    /// Its partition stops here, or before.
    case broken(at: Int64, String)
    /// The records before it are gone: the store has what they and it came to.
    case stored
  }

  package let content: LoggedRecord.Content
  package let standing: Standing

  package init(content: LoggedRecord.Content, standing: Standing) {
    self.content = content
    self.standing = standing
  }
}

extension FolderSource {
  /// The record at an offset; nil where the log has none.
  /// - Throws: `LogFailure`.
  package func record(at offset: Int64, of partition: PartitionID) throws -> FolderRecord? {
    guard let content = try log.record(at: offset, of: partition) else { return nil }
    return FolderRecord(content: content, standing: try standing(at: offset, of: partition))
  }

  private func standing(at offset: Int64, of partition: PartitionID) throws -> FolderRecord.Standing {
    let header = headers[partition]
    let (start, filter) =
      if try offsets(of: partition).lowerBound == 0 {
        (Int64(0), RecordFilter(owner: nil, number: 0))
      } else {
        ((header?.offset ?? -1) + 1, RecordFilter(owner: header?.owner, number: header?.number ?? 0))
      }
    guard offset >= start else { return .stored }
    var judging = filter
    var standing = FolderRecord.Standing.counted
    try forEachBatch(in: [partition: start..<(offset + 1)]) { batch in
      for record in batch {
        if case .broken = standing { return }
        standing =
          switch record.content {
          case .undecodable(let reason): .broken(at: record.offset, "it cannot be decoded: \(reason)")
          case .record(let logged):
            switch judging.judge(logged) {
            case .counted: .counted
            case .void(let reason): .void(reason)
            case .broken(let reason): .broken(at: record.offset, "\(reason)")
            }
          }
      }
    }
    return standing
  }
}
