import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog

/// A copy of a data folder that is being made, to keep it or to go on from it. A server may run in the folder.
///
/// Store and log are copied as of the moments that `FolderSource` reads them at, the store's first: all that the shop
/// had acknowledged when the copy was begun is in it. An owner that starts from the copy gets epochs above those in it,
/// as after any end of a server.
package final class FolderBackup {
  /// What a copy has.
  package struct Contents: Sendable {
    package let partitionCount: Int
    /// The offset of the newest record of each partition; -1 before the first.
    package let newestOffsets: [PartitionID: Int64]
    /// The newest record's place in the log.
    package let position: UInt64
    /// The latest time of a record. What is not in the copy was acknowledged later. nil of a shop without any.
    package let newestTime: Timestamp?
    /// Of log and store.
    package let byteCount: Int64
  }

  package let contents: Contents
  private let source: FolderSource
  private let target: NewFolder
  private let format: DataFolderFormat

  /// - Parameters:
  ///   - source: a data folder.
  ///   - target: where nothing is, or an empty folder.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`; then nothing was changed.
  package init(of source: String, to target: String) throws {
    format = try DataFolder.readFormat(source)
    self.target = try NewFolder(path: target)
    let folder = try FolderSource(path: source)
    self.source = folder
    let ends = try folder.partitions.map { ($0, try folder.offsets(of: $0).upperBound - 1) }
    contents = Contents(
      partitionCount: format.partitionCount, newestOffsets: Dictionary(uniqueKeysWithValues: ends),
      position: try folder.log.positions().through, newestTime: try folder.newestTime(),
      byteCount: try folder.byteCount())
  }

  /// The folder that the copy is in until it is completed.
  package var path: String { target.partialPath }

  /// Copies everything. Afterwards `path` is a data folder, which goes away with this object unless it is completed.
  /// - Parameter progress: gets the bytes that have been copied.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `DatabaseError`.
  package func copy(progress: (Int64) -> Void) throws {
    try source.copy(into: path, progress: progress)
    let former = "/" + FormerLog.keptName
    if DataFolder.holds(FormerLog.keptName, source.path) {
      let log = try Database(path: source.path + former, mode: .readOnly)
      try log.hold()
      try log.copy(to: path + former) { _ in }
    }
    try target.seal(format)
  }

  /// Gives the copy its name.
  /// - Throws: `DataFolderFailure`; then nothing has the name.
  package func complete() throws { try target.complete() }
}
