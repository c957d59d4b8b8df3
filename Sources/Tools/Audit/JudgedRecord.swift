import Ports
import Model
import PartitionCore
import Tenancy

/// One log record, and its effect.
package struct JudgedRecord: Sendable {
  package enum Standing: Hashable, Sendable {
    case counted
    /// It leaves no trace.
    case void(RecordFilter.Void)
    /// Its partition stops here, or earlier.
    case broken(at: Int64, String)
    /// The records before it are gone: the store has their result and its own.
    case stored
  }

  package let content: LoggedRecord.Content
  package let standing: Standing

  package init(content: LoggedRecord.Content, standing: Standing) {
    self.content = content
    self.standing = standing
  }
}

extension AuditSource {
  /// The record at an offset; nil if the log has none.
  /// - Throws: `LogFailure`.
  package func record(at offset: Int64, of partition: PartitionID) throws -> JudgedRecord? {
    let offsets = try offsets(of: partition)
    guard offsets.contains(offset) else { return nil }
    let header = headers[partition]
    let (start, filter) =
      if offsets.lowerBound == 0 {
        (Int64(0), RecordFilter(owner: nil, number: 0))
      } else {
        (
          max((header?.offset ?? -1) + 1, offsets.lowerBound),
          RecordFilter(owner: header?.owner, number: header?.number ?? 0)
        )
      }
    var judging = filter
    var standing = offset < start ? JudgedRecord.Standing.stored : .counted
    var content: LoggedRecord.Content?
    try forEachBatch(in: [partition: min(start, offset)..<(offset + 1)]) { batch in
      for record in batch {
        if record.offset == offset { content = record.content }
        switch standing {
        case .stored, .broken: break
        case .counted, .void: standing = judging.standing(of: record)
        }
      }
    }
    return content.map { JudgedRecord(content: $0, standing: standing) }
  }
}

extension RecordFilter {
  /// The effect of the log's next record.
  fileprivate mutating func standing(of record: LoggedRecord) -> JudgedRecord.Standing {
    switch record.content {
    case .undecodable(let reason): .broken(at: record.offset, "it cannot be decoded: \(reason)")
    case .record(let logged):
      switch judge(logged) {
      case .counted: .counted
      case .void(let reason): .void(reason)
      case .broken(let reason): .broken(at: record.offset, "\(reason)")
      }
    }
  }
}
