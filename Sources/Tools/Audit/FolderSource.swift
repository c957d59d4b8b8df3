import Ports
import Model
import PartitionCore
import SQLite
import Wire

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
  /// Why log and store do not fit together, if so.
  private let gap: String?

  /// Records read from the log at a time.
  static let readRecordsMax = 2_048

  /// Opens a folder.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`.
  package init(path: String) throws {
    self.path = path
    let format = try DataFolder.readFormat(path, files: [LogFile.file, StoreFile.file])
    try Self.checkVersion(path)
    guard let partitioner = Partitioner(count: format.partitionCount) else {
      throw LogFailure(.format, "\(path): \(format.partitionCount) is not a partition count")
    }
    self.partitioner = partitioner
    let opened = try Self.open(path)
    (store, log, headers, gap) = (opened.store, opened.log, opened.headers, opened.gap)
    // What was read must be of this count.
    let now = try DataFolder.readFormat(path, files: [])
    guard now.partitionCount == format.partitionCount else {
      throw LogFailure(.format, "\(path): got \(now.partitionCount) partitions in the meantime; try again")
    }
  }

  /// - Throws: `LogFailure` for a log of the previous version, whose records follow other rules.
  private static func checkVersion(_ path: String) throws(LogFailure) {
    guard try FormerLog.isThere(in: path) else { return }
    throw LogFailure(
      .format,
      "\(path)/\(LogFile.file.name): was written by an older version of Kassa; start it once with "
        + "kassa serve --data \(path), which upgrades it")
  }

  private struct Opened {
    let store: SQLiteStoreReader
    let log: SQLiteLogReader
    let headers: [PartitionID: CheckpointHeader]
    let gap: String?
  }

  private static func open(_ path: String) throws -> Opened {
    var opened = try openOnce(path)
    // A server may have trimmed the log up to a newer checkpoint than the one read, so read it again. What is missing
    // after several attempts is missing for good; the replay finds that.
    for _ in 1..<openAttemptsMax where opened.gap != nil { opened = try openOnce(path) }
    return opened
  }

  private static func openOnce(_ path: String) throws -> Opened {
    let store = try SQLiteStoreReader(path: path)
    let log = try SQLiteLogReader(path: path)
    try store.hold()
    try log.hold()
    let headers = Dictionary(uniqueKeysWithValues: try store.headers().map { ($0.partition, $0) })
    return Opened(store: store, log: log, headers: headers, gap: try gap(store, log, headers, path))
  }

  /// What came between the moment of the store and that of the log such that they do not fit; nil if nothing did.
  ///
  /// A server may have trimmed the log up to a newer checkpoint than the one read. Or one was started: an owner that
  /// starts from here would get an epoch that another has announced in this log.
  private static func gap(
    _ store: SQLiteStoreReader, _ log: SQLiteLogReader, _ headers: [PartitionID: CheckpointHeader], _ path: String
  ) throws -> String? {
    for (partition, offset) in try log.beginnings().sorted(by: { $0.key < $1.key }) {
      let next = (headers[partition]?.offset ?? -1) + 1
      if offset > next { return "the log begins \(partition) with offset \(offset), and the store needs \(next)" }
    }
    return try store.epochs() == SQLiteStoreReader(path: path).epochs() ? nil : "a server is being started"
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

  package func totals(of partition: PartitionID) throws -> (kept: StoreTotals, found: StoreTotals)? {
    let (kept, found) = try store.totals(of: partition)
    return kept.map { ($0, found) }
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

  // MARK: Copies

  /// Copies log and store, as of their moments, into a folder that has none. To be called last: nothing is held after
  /// it.
  /// - Parameter progress: gets the bytes that have been copied.
  /// - Throws: `LogFailure` where log and store do not fit together; `DatabaseError`.
  func copy(into folder: String, progress: (Int64) -> Void) throws {
    if let gap {
      throw LogFailure(
        .trimmed,
        "\(path): log and store do not fit together: \(gap); try again, and if it stays so, "
          + "run kassa verify \(path)")
    }
    // The log first: it is what grows most as long as it is held.
    let logBytes = try log.byteCount()
    try log.copy(to: "\(folder)/\(LogFile.file.name)", progress: progress)
    try store.copy(to: "\(folder)/\(StoreFile.file.name)") { progress(logBytes + $0) }
  }

  /// The bytes of log and store.
  /// - Throws: `DatabaseError`.
  func byteCount() throws -> Int64 { try log.byteCount() + store.byteCount() }

  /// The latest time of a partition: that of its checkpoint, or of a record after it; nil in a new folder.
  func newestTime() throws -> Timestamp? {
    let recorded = try log.newestTimes(after: headers.mapValues(\.offset))
    return (headers.values.map(\.now) + recorded.values).max()
  }

  /// What was set aside in a partition's log, by offset.
  /// - Throws: `LogFailure`.
  package func quarantinedRecords(of partition: PartitionID) throws(LogFailure) -> [QuarantinedRecord] {
    try log.quarantined(of: partition)
  }
}
