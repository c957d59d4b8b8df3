import PartitionCore

/// Audits a data folder.
package enum FolderAudit {
  /// Runs the audit. `progress` gets the number of log records read so far.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure` if the folder cannot be read or a row cannot be
  ///   decoded.
  package static func run(path: String, progress: (Int) -> Void = { _ in }) throws -> AuditReport {
    try AuditReport(auditing: try FolderSource(path: path), progress: progress)
  }
}
