import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore
import StateStore

/// Brings a data folder of version 0.1.0 forward, once and for good.
///
/// There, messages between partitions stood in the log of their receivers, and each partition remembered the newest of
/// each source. So its log is replayed under those rules until no message is missing; what a restart would have
/// appended is appended; every partition is checkpointed; and then the log begins anew after its end, with streams
/// that begin at 1.
///
/// A crash at any moment leaves a folder that the next start brings forward: what was appended leads to the same state
/// again, and a checkpoint that was written already has nothing before it.
package enum FolderUpgrade {
  /// Why a folder cannot be brought forward: a sentence that says what to do.
  package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// What was done.
  package struct Report: Hashable, Sendable {
    /// Records that the store did not include.
    package let recordsReplayed: Int
    /// Messages that were under way and are delivered now.
    package let messagesDelivered: Int
    /// Where the former log is kept; nil where its history was not to be kept.
    package let copy: String?
  }

  /// Brings the folder forward if it needs it.
  ///
  /// - Parameters:
  ///   - partitionCount: a folder that was made with another one is left alone.
  ///   - keepsHistory: whether the former log is kept beside the new one.
  /// - Returns: nil where there was nothing to do.
  /// - Throws: `Refusal`, and nothing was changed; `DataFolderFailure`, `LogFailure`, `StoreFailure`: the next start
  ///   brings the folder forward.
  package static func runIfNeeded(
    path: String, partitionCount: Int, keepsHistory: Bool, options: SQLiteStore.Options = SQLiteStore.Options()
  ) throws -> Report? {
    // Whoever opens the folder next says what is wrong with it; until then nothing in it is touched.
    guard let format = try? DataFolder.readFormat(path), format.partitionCount == partitionCount,
      DataFolder.holds(StoreFile.file, path), try FormerLog.isThere(in: path)
    else { return nil }
    let folder = try DataFolder(path: path, partitionCount: partitionCount, files: [FormerLog.file])
    let log = try FormerLog(folder)
    // Only read so far: what cannot be brought forward stays a folder of the earlier version.
    let state = try FormerState(log, try SQLiteStoreReader(path: path), partitionCount: partitionCount)
    try log.append(state.appended)
    let store = try SQLiteStore(folder: folder, options: options)
    defer { store.close() }
    try state.writeCheckpoints(to: store)
    let copy = keepsHistory ? "\(path)/\(FormerLog.keptName)" : nil
    try log.convert(keepingAt: copy)
    return Report(
      recordsReplayed: state.recordsReplayed, messagesDelivered: state.appended.count, copy: copy)
  }
}
