import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore

/// A data folder, for an audit.
///
/// Store and log are each read from one snapshot, the store's first: so the log has what the store includes. A server
/// may write in the meantime; the state read is one that the shop was in.
package final class FolderSource: AuditSource {
  package let partitioner: Partitioner
  package let headers: [PartitionID: CheckpointHeader]
  let path: String
  let log: SQLiteLogReader
  private let store: SQLiteStoreReader

  /// Records read from the log at a time.
  static let readRecordsMax = 2_048

  /// Opens a folder.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`.
  package init(path: String) throws {
    self.path = path
    let format = try DataFolder.readFormat(path)
    try Self.checkVersion(path)
    guard let partitioner = Partitioner(count: format.partitionCount) else {
      throw LogFailure(.format, "\(path): \(format.partitionCount) is not a partition count")
    }
    self.partitioner = partitioner
    (store, log, headers) = try Self.open(path)
  }

  /// - Throws: `LogFailure` for a log of the previous version, whose records follow other rules.
  private static func checkVersion(_ path: String) throws(LogFailure) {
    guard try FormerLog.isThere(in: path) else { return }
    throw LogFailure(
      .format,
      "\(path)/\(LogFile.file.name): was written by an older version of Kassa; start it once with "
        + "kassa serve --data \(path), which upgrades it")
  }

  private typealias Opened = (
    store: SQLiteStoreReader, log: SQLiteLogReader, headers: [PartitionID: CheckpointHeader]
  )

  private static func open(_ path: String) throws -> Opened {
    var opened = try openOnce(path)
    // A server may have trimmed the log up to a newer checkpoint than the one read, so read it again. What is missing
    // after several attempts is missing for good; the replay finds that.
    for _ in 1..<openAttemptsMax where try isTrimmedTooFar(opened) { opened = try openOnce(path) }
    return opened
  }

  private static func openOnce(_ path: String) throws -> Opened {
    let store = try SQLiteStoreReader(path: path)
    let log = try SQLiteLogReader(path: path)
    try store.hold()
    try log.hold()
    return (store, log, Dictionary(uniqueKeysWithValues: try store.headers().map { ($0.partition, $0) }))
  }

  private static func isTrimmedTooFar(_ opened: Opened) throws -> Bool {
    try opened.log.beginnings().contains { partition, offset in
      offset > (opened.headers[partition]?.offset ?? -1) + 1
    }
  }

  static let openAttemptsMax = 8

  /// A folder's log needs no exclusions: what was set aside is no longer in it.
  package func recovery(of partition: PartitionID) throws -> Recovery {
    Recovery(
      header: headers[partition], pinned: try store.pinned(of: partition), outbox: try store.outbox(of: partition))
  }

  package func unsent(of partition: PartitionID) throws -> [OutboxRow] { try store.outbox(of: partition) }

  package func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange] {
    try keys.map { EntityChange(key: $0, value: try store.entity($0, of: partition)) }
  }

  package func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    try store.forEachEntity(of: partition, body)
  }

  package func offsets(of partition: PartitionID) throws -> Range<Int64> { try log.offsets(of: partition) ?? 0..<0 }

  package let isShared = false

  /// The log is one file: reading any partition reads all of it.
  package let isReadApart = false

  package func forEachBatch(
    in ranges: [PartitionID: Range<Int64>], _ body: ([LoggedRecord]) throws -> Void
  ) throws {
    var sequence: UInt64 = 0
    while true {
      let records = try log.read(after: sequence, limit: Self.readRecordsMax)
      guard let first = records.first, let last = records.last else { return }
      guard sequence == 0 || first.sequence == sequence + 1 else {
        throw LogFailure(.format, "\(path): record \(first.sequence) of the log does not follow the one before")
      }
      let wanted = records.filter { ranges[$0.partition]?.contains($0.offset) == true }
      for batch in Dictionary(grouping: wanted, by: \.partition).sorted(by: { $0.key < $1.key }) {
        try body(batch.value)
      }
      sequence = last.sequence
    }
  }

  /// What was set aside in a partition's log, by offset.
  /// - Throws: `LogFailure`.
  package func quarantinedRecords(of partition: PartitionID) throws(LogFailure) -> [QuarantinedRecord] {
    try log.quarantined(of: partition)
  }
}
