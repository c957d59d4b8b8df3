import PartitionCore

/// Audits a data folder.
public enum FolderAudit {
  /// Runs the audit. `progress` gets the number of log records read so far.
  /// - Parameter limits: those that the folder's server has.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure` when the folder cannot be read or a row not decoded.
  public static func run(
    path: String, limits: CoreLimits = CoreLimits(), progress: (Int) -> Void = { _ in }
  ) throws -> AuditReport {
    try AuditReport(auditing: try FolderSource(path: path, limits: limits), progress: progress)
  }
}
