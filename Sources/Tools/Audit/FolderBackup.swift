import Ports
import Model
import PartitionCore
import SQLite

/// A copy of a data folder in the making, for a backup or a restore. A server may run in the folder.
///
/// Store and log are copied as of the moments at which `FolderSource` reads them, the store first, so the copy has
/// everything that the shop had acknowledged when it began. An owner that starts from the copy gets epochs above
/// those in it, as after any end of a server.
package final class FolderBackup {
  /// What a copy contains.
  package struct Contents: Sendable {
    package let partitionCount: Int
    /// The offset of the newest record of each partition; -1 before the first.
    package let newestOffsets: [PartitionID: Int64]
    /// The newest record's place in the log.
    package let position: UInt64
    /// The latest time of a record: what is not in the copy was acknowledged later. nil without records.
    package let newestTime: Timestamp?
    /// Of log and store.
    package let byteCount: Int64
  }

  package let contents: Contents
  private let source: FolderSource
  private let target: NewFolder

  /// - Parameters:
  ///   - source: a data folder.
  ///   - target: a path where nothing exists, or an empty folder.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure`; then nothing was changed.
  package init(of source: String, to target: String) throws {
    let folder = try FolderSource(path: source)
    self.source = folder
    self.target = try NewFolder(path: target)
    let ends = try folder.partitions.map { ($0, try folder.offsets(of: $0).upperBound - 1) }
    contents = Contents(
      partitionCount: folder.partitioner.count, newestOffsets: Dictionary(uniqueKeysWithValues: ends),
      position: try folder.log.positions().through, newestTime: try folder.newestTime(),
      byteCount: try folder.byteCount())
  }

  /// The folder that the copy is in until it is completed.
  package var path: String { target.partialPath }

  /// Copies everything. Afterwards `path` is a data folder; it is deleted with this object unless it is completed.
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
    try target.seal(partitionCount: contents.partitionCount)
  }

  /// Gives the copy its name.
  /// - Throws: `DataFolderFailure`; then nothing has the name.
  package func complete() throws { try target.complete() }
}
