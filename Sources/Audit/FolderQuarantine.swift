import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore

/// Moves a stopped partition past the record at which it stops, on an operator's word.
public enum FolderQuarantine {
  /// What was set aside, and what became of the partition.
  public struct Report: Sendable {
    /// Which entry of the record was set aside, from 0; nil for the whole record, whose bytes are none.
    public let entry: Int?
    /// Why the partition stopped there.
    public let reason: String
    /// How the partition stands now; a further record may stop it again.
    public let status: PartitionStatus
    /// The offset of the newest record in the partition's log.
    public let newestOffset: Int64
  }

  /// Why nothing was set aside.
  public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Sets aside what stops the partition called `name` at `offset`: the one entry that cannot be applied, or the whole
  /// record when its bytes cannot be decoded. Nothing else can be set aside.
  ///
  /// `note` is kept with the record, behind the reason of the stop. `progress` gets the number of records read so far;
  /// the log is read twice.
  /// - Throws: `Refusal`; `DataFolderFailure` when a process uses the folder; `LogFailure`, `StoreFailure`. Nothing was
  ///   changed then.
  public static func run(
    path: String, partition name: String, offset: Int64, note: String, progress: (Int) -> Void = { _ in }
  ) throws -> Report {
    let folder = try DataFolder(existing: path, files: [LogFile.file, StoreFile.file])
    let source = try FolderSource(path: path)
    var read = 0
    let state = try ReplayedState(source) {
      read = $0
      progress(read)
    }
    guard let partition = state.partitions.first(where: { $0.description == name }) else {
      throw Refusal(description: "there is no partition '\(name)'; orders-0 is one")
    }
    let (entry, reason) = try find(partition, offset, state, in: source.log)
    try Quarantine.replace(
      partition, offset: offset, entry: entry, reason: note.isEmpty ? reason : "\(reason) (\(note))", in: folder)
    let before = read
    let mended = try FolderSource(path: path)
    let after = try ReplayedState(mended) { progress(before + $0) }
    return Report(
      entry: entry, reason: reason, status: after.status(of: partition),
      newestOffset: try mended.offsets(of: partition).upperBound - 1)
  }

  private static func find(
    _ partition: PartitionID, _ offset: Int64, _ state: ReplayedState, in log: SQLiteLogReader
  ) throws -> (entry: Int?, reason: String) {
    guard case .stopped(let stop, let reason) = state.status(of: partition) else {
      throw Refusal(description: "\(partition) is not stopped: its log can be applied to the end")
    }
    guard stop == offset else {
      throw Refusal(description: "\(partition) does not stop at offset \(offset), but at \(stop): \(reason)")
    }
    guard offset == state.appliedOffset(of: partition) + 1,
      let content = try log.record(at: offset, of: partition)
    else { throw Refusal(description: "no record of \(partition) is to blame: \(reason)") }
    guard case .record(let record) = content else { return (nil, reason) }
    let place = state.appliedEntries(of: partition)
    guard record.entries.indices.contains(place) else {
      throw Refusal(description: "no entry of the record at offset \(offset) is to blame: \(reason)")
    }
    if case .control = record.entries[place].body {
      throw Refusal(description: "\(partition) needs a newer version of Kassa: \(reason)")
    }
    return (place, reason)
  }
}
