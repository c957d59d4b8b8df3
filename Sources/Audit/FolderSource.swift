import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore

/// A data folder, for an audit.
///
/// Store and log are each read as of one moment, the store's first: what it includes is in the log then. So a server
/// may write meanwhile, and the state is one that the shop was in.
public final class FolderSource: AuditSource {
  public let partitioner: Partitioner
  public let headers: [PartitionID: CheckpointHeader]
  let log: SQLiteLogReader
  private let store: SQLiteStoreReader

  /// Records read from the log at once.
  static let readRecordsMax = 2_048

  /// Opens a folder.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`.
  public init(path: String) throws {
    let format = try DataFolder.readFormat(path)
    guard let partitioner = Partitioner(count: format.partitionCount) else {
      throw LogFailure(.format, "\(path): \(format.partitionCount) is no partition count")
    }
    self.partitioner = partitioner
    (store, log, headers) = try Self.open(path)
  }

  private typealias Opened = (
    store: SQLiteStoreReader, log: SQLiteLogReader, headers: [PartitionID: CheckpointHeader]
  )

  private static func open(_ path: String) throws -> Opened {
    var opened = try openOnce(path)
    // A server may have trimmed the log behind a newer checkpoint than the one that was read; so it is read again. What
    // is missing after some attempts is missing for good, which the replay finds.
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

  public func pinned(of partition: PartitionID) throws -> [EntityChange] { try store.pinned(of: partition) }

  /// None: what was set aside does not stand in the log any more.
  public func quarantined(of partition: PartitionID) -> Set<Int64> { [] }

  public func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange] {
    try keys.map { EntityChange(key: $0, value: try store.entity($0, of: partition)) }
  }

  public func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    try store.forEachEntity(of: partition, body)
  }

  public func offsets(of partition: PartitionID) throws -> Range<Int64> { try log.offsets(of: partition) ?? 0..<0 }

  /// The log is one file: all of it is read for any of its partitions.
  public let isReadApart = false

  public func forEachBatch(
    in ranges: [PartitionID: Range<Int64>], _ body: ([Delivery]) throws -> Void
  ) throws {
    var position = LogPosition.zero
    while true {
      let deliveries = try log.read(after: position, limit: Self.readRecordsMax)
      guard let last = deliveries.last else { return }
      let wanted = deliveries.filter { ranges[$0.partition]?.contains($0.offset) == true }
      for batch in Dictionary(grouping: wanted, by: \.partition).sorted(by: { $0.key < $1.key }) {
        try body(batch.value)
      }
      position = last.position
    }
  }

  /// What was set aside in a partition's log, by offset.
  /// - Throws: `LogFailure`.
  public func quarantinedRecords(of partition: PartitionID) throws(LogFailure) -> [QuarantinedRecord] {
    try log.quarantined(of: partition)
  }
}
