import Ports
import Model
import PartitionCore
import SQLite

/// Moves a stopped partition past the record that stops it, at an operator's request.
package enum FolderQuarantine {
  /// What was set aside, and the partition's state afterwards.
  package struct Report: Sendable {
    /// Which entry of the record was set aside, from 0.
    package let entry: Int
    /// Why the partition stopped there.
    package let reason: String
    /// The partition's status now; a later record may stop it again.
    package let status: PartitionStatus
    /// The offset of the newest record in the partition's log.
    package let newestOffset: Int64
  }

  /// Why nothing was set aside.
  package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Sets aside what stops the partition called `name` at `offset`: the one entry that cannot be applied. It becomes a
  /// skip, so that its number in its stream stays used. Nothing else can be set aside: if a record cannot be decoded,
  /// it is unknown which numbers it used and how many messages it caused, and every later record depends on that.
  ///
  /// `note` is kept with the record, after the reason for the stop. `progress` gets the number of records read so far;
  /// the log is read twice.
  /// - Throws: `Refusal`; `DataFolderFailure` if a process uses the folder; `LogFailure`, `StoreFailure`. Then nothing
  ///   was changed.
  package static func run(
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
    let (entry, reason) = try find(partition, offset, state, in: source)
    try Quarantine.replace(
      partition, offset: offset, entry: entry, reason: note.isEmpty ? reason : "\(reason) (\(note))", in: folder)
    let before = read
    let repaired = try FolderSource(path: path)
    let after = try ReplayedState(repaired) { progress(before + $0) }
    return Report(
      entry: entry, reason: reason, status: after.status(of: partition),
      newestOffset: try repaired.offsets(of: partition).upperBound - 1)
  }

  private static func find(
    _ partition: PartitionID, _ offset: Int64, _ state: ReplayedState, in source: FolderSource
  ) throws -> (entry: Int, reason: String) {
    guard case .stopped(let stop, let reason) = state.status(of: partition) else {
      throw Refusal(description: "\(partition) is not stopped: its log can be applied to the end")
    }
    guard stop == offset else {
      throw Refusal(description: "\(partition) does not stop at offset \(offset), but at \(stop): \(reason)")
    }
    if let entry = state.poisonousEntry(of: partition) { return (entry, reason) }
    switch try source.log.record(at: offset, of: partition) {
    case .undecodable:
      throw Refusal(
        description: "the record at offset \(offset) of \(partition) cannot be decoded, so nobody knows which numbers "
          + "it used: nothing can take its place; restore log and store from the same backup")
    case .record(.turn(let record)) where record.controls.contains(where: Self.isNewer):
      throw Refusal(description: "\(partition) needs a newer version of Kassa: \(reason)")
    case .record, nil:
      throw Refusal(
        description: "no entry of \(partition) can be set aside for it: \(reason); restore log and store from the same "
          + "backup")
    }
  }

  private static func isNewer(_ control: Control) -> Bool {
    if case .rules(let version) = control { version > Rules.current } else { false }
  }
}
