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
    var judge = RecordJudge(offsets, headers[partition])
    var judged: JudgedRecord?
    try forEachBatch(in: [partition: min(judge.start, offset)..<(offset + 1)]) { batch in
      for record in batch {
        let standing = judge.standing(of: record)
        if record.offset == offset { judged = JudgedRecord(content: record.content, standing: standing) }
      }
    }
    return judged
  }
}

/// Judges the records of a partition's log one after another: does each count?
struct RecordJudge {
  /// The first record that can be judged.
  let start: Int64
  private var filter: RecordFilter
  private var broken: JudgedRecord.Standing?

  /// - Parameters:
  ///   - offsets: those that the log has.
  ///   - header: the store's newest; nil if it has none.
  init(_ offsets: Range<Int64>, _ header: CheckpointHeader?) {
    if offsets.lowerBound == 0 {
      start = 0
      filter = RecordFilter(owner: nil, number: 0)
    } else {
      start = max((header?.offset ?? -1) + 1, offsets.lowerBound)
      filter = RecordFilter(owner: header?.owner, number: header?.number ?? 0)
    }
  }

  /// The effect of the next record: of all from `start` on, or of earlier ones besides.
  mutating func standing(of record: LoggedRecord) -> JudgedRecord.Standing {
    if record.offset < start { return .stored }
    if let broken { return broken }
    let standing = filter.standing(of: record)
    if case .broken = standing { broken = standing }
    return standing
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
