import Ports
import Model
import PartitionCore

/// Upgrades a data folder of version 0.1.0, once and irreversibly.
///
/// In that version messages between partitions were in their receivers' logs, and each partition remembered the newest
/// of each source. So its log is replayed under those rules until no message is missing; what a restart would have
/// appended is appended; every partition is checkpointed; and then a new log begins after the end of the old one, with
/// streams that begin at 1.
///
/// A crash at any moment leaves a folder that the next start upgrades: what was appended leads to the same state again,
/// and a checkpoint that was already written needs nothing before it.
package enum FolderUpgrade {
  /// Why a folder cannot be upgraded: a sentence that says what to do.
  package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// What was done.
  package struct Report: Hashable, Sendable {
    /// Records that the store did not include.
    package let recordsReplayed: Int
    /// Messages that were under way and are now delivered.
    package let messagesDelivered: Int
    /// Where the former log is kept; nil if it is not.
    package let copy: String?
  }

  /// Upgrades the folder if necessary.
  ///
  /// - Parameters:
  ///   - partitionCount: a folder created with another count is left alone.
  ///   - keepsHistory: whether to keep the former log next to the new one.
  /// - Returns: nil if there was nothing to do.
  /// - Throws: `Refusal`, and nothing was changed; `DataFolderFailure`, `LogFailure`, `StoreFailure`: the next start
  ///   upgrades the folder.
  package static func runIfNeeded(
    path: String, partitionCount: Int, keepsHistory: Bool, options: SQLiteStore.Options = SQLiteStore.Options()
  ) throws -> Report? {
    // Opening the folder later reports what is wrong with it; until then nothing in it is touched.
    guard let format = try? DataFolder.readFormat(path, files: [FormerLog.file, StoreFile.file]),
      format.partitionCount == partitionCount,
      DataFolder.holds(StoreFile.file, path), try FormerLog.isThere(in: path)
    else { return nil }
    let folder = try DataFolder(
      path: path, partitionCount: partitionCount, files: [FormerLog.file], others: [StoreFile.file])
    let log = try FormerLog(folder)
    // Only reads so far: what cannot be upgraded stays a folder of the earlier version.
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
