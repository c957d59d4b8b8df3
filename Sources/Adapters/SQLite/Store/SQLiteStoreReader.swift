import Model
import PartitionCore
import Ports
import Wire

/// Reads a data folder's store for tools, even while a server writes it. Owned by one thread.
public final class SQLiteStoreReader {
  private let rows: StoreRows
  private let partitionCount: Int

  /// Opens the store of the folder at `path`, read-only.
  /// - Throws: `DataFolderFailure` if it is not a Kassa data folder, `StoreFailure` if the file cannot be read.
  public init(path: String) throws {
    partitionCount = try DataFolder.readFormat(path, files: [StoreFile.file]).partitionCount
    rows = try StoreFailure.reading { () throws(DatabaseError) in
      try StoreRows(try StoreFile.file.open(in: path, mode: .readOnly))
    }
  }

  /// From now on all reads see the present state, whatever a server writes. The write-ahead log grows as long as this
  /// reader exists.
  /// - Throws: `StoreFailure`.
  public func hold() throws(StoreFailure) { try rows.hold() }

  /// Copies a store that is held into a new file, and holds it no longer.
  /// - Parameter progress: gets the bytes that have been copied.
  /// - Throws: `DatabaseError`; then the new file is worth nothing.
  package func copy(to path: String, progress: (Int64) -> Void) throws(DatabaseError) {
    try rows.copy(to: path, progress: progress)
  }

  /// The bytes that a copy has.
  /// - Throws: `DatabaseError`.
  package func byteCount() throws(DatabaseError) -> Int64 { try rows.byteCount() }

  /// The epoch of the newest owner of every partition; 0 of one that had none.
  /// - Throws: `StoreFailure`.
  package func epochs() throws(StoreFailure) -> [PartitionID: UInt64] {
    try rows.atOnePoint { () throws(StoreFailure) in
      var epochs: [PartitionID: UInt64] = [:]
      for service in Service.allCases {
        for index in 0..<partitionCount {
          let partition = PartitionID(service, UInt16(index))
          epochs[partition] = try rows.checkpoint(of: partition).epoch
        }
      }
      return epochs
    }
  }

  /// The newest checkpoint of every partition, ascending; those without one are left out.
  /// - Throws: `StoreFailure`.
  public func headers() throws(StoreFailure) -> [CheckpointHeader] {
    try rows.atOnePoint { () throws(StoreFailure) in
      var headers: [CheckpointHeader] = []
      for service in Service.allCases {
        for index in 0..<partitionCount {
          let partition = PartitionID(service, UInt16(index))
          if let header = try rows.checkpoint(of: partition).header { headers.append(header) }
        }
      }
      return headers
    }
  }

  /// What a partition's checkpoint says that its rows add up to, nil if it says nothing, and what they add up to.
  /// - Throws: `StoreFailure`.
  package func totals(of partition: PartitionID) throws(StoreFailure) -> (kept: StoreTotals?, found: StoreTotals) {
    try rows.atOnePoint { () throws(StoreFailure) in
      let kept = try rows.totals(of: partition)
      return (kept, try StoreFailure.reading { () throws(DatabaseError) in try rows.count(partition) })
    }
  }

  /// Calls `body` for every entity of a partition, ordered by (kind, key), from one snapshot.
  ///
  /// The store's write-ahead log grows if a server writes while this runs.
  /// - Throws: `StoreFailure`, or what `body` throws.
  public func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    // The transaction gives all chunks one snapshot.
    var failure: (any Error)?
    try rows.atOnePoint { () throws(StoreFailure) in
      do {
        for kind in UInt8(1)...6 { try forEachEntity(ofKind: kind, of: partition, body) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  private func forEachEntity(
    ofKind kind: UInt8, of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void
  ) throws {
    var after = ""
    while true {
      let chunk = try rows.entities(ofKind: kind, of: partition, after: after, limit: 1_000)
      for row in chunk {
        if let value = row.value { try body(row.key, value) }
      }
      guard let last = chunk.last else { return }
      after = EntityCodec.text(of: last.key)
    }
  }

  /// What an owner keeps in memory from the start: the holds of unfinished checkouts, and their items.
  /// - Throws: `StoreFailure`.
  public func pinned(of partition: PartitionID) throws(StoreFailure) -> [EntityChange] {
    try rows.pinned(of: partition)
  }

  /// A partition's unacknowledged messages, ascending by destination and number.
  /// - Throws: `StoreFailure`.
  package func outbox(of partition: PartitionID) throws(StoreFailure) -> [OutboxRow] {
    try rows.outbox(of: partition)
  }

  /// One entity; nil if there is none.
  /// - Throws: `StoreFailure`.
  public func entity(_ key: EntityKey, of partition: PartitionID) throws(StoreFailure) -> Entity? {
    try rows.entity(key, of: partition)
  }
}
