import Ports
import Model
import PartitionCore
import Streams
import Wire

/// A record that was set aside, as it was in the log before.
public struct QuarantinedRecord: Hashable, Sendable {
  public let offset: Int64
  public let bytes: [UInt8]
  /// The reason the operator gave; one per line if several entries of the record were set aside.
  public let reason: String
}

/// Sets aside an entry of a record that stops its partition: nothing else lets a partition pass it.
public enum Quarantine {
  /// Makes the partition skip the entry, and keeps the record's bytes and the reason in the table `quarantined`.
  ///
  /// The record's other entries stay: those before it were applied and perhaps already answered. The entry's number in
  /// its stream also stays. What was taken out will never happen, including effects on other partitions; the operator
  /// decides that. The folder must be open, and so locked, and its log must be closed.
  /// - Throws: `LogFailure`; then nothing was changed.
  public static func replace(
    _ partition: PartitionID, offset: Int64, entry: Int, reason: String, in folder: DataFolder
  ) throws(LogFailure) {
    let path = "\(folder.path)/\(LogFile.file.name)"
    let refusal: LogFailure?
    do throws(DatabaseError) {
      let database = try LogFile.file.open(in: folder.path, mode: .readWrite)
      try database.execute("BEGIN IMMEDIATE")
      defer { database.rollback() }
      refusal = try replace(partition, offset, entry, reason, database)
      if refusal == nil { try database.execute("COMMIT") }
    } catch {
      throw LogFailure(error.isDamage ? .format : .write, error.message)
    }
    if let refusal {
      throw LogFailure(refusal.code, "\(path): \(refusal.message) at offset \(offset) of \(partition)")
    }
  }

  /// Returns why nothing was changed; nil if it was.
  private static func replace(
    _ partition: PartitionID, _ offset: Int64, _ entry: Int, _ reason: String, _ database: Database
  ) throws(DatabaseError) -> LogFailure? {
    let find = try database.prepare("SELECT sequence, body FROM records WHERE partition = ? AND offset = ?")
    find.bind(1, LogFile.number(of: partition))
    find.bind(2, offset)
    guard try find.step() else { return LogFailure(.trimmed, "has no record") }
    let sequence = find.integer(0)
    let body = Array(find.bytes(1))
    find.reset()
    let rest: [UInt8]
    switch self.rest(of: body, without: entry) {
    case .success(let bytes): rest = bytes
    case .failure(let refusal): return refusal
    }
    let keep = try database.prepare(
      """
      INSERT INTO quarantined (partition, offset, body, reason) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET reason = reason || char(10) || excluded.reason
      """)
    keep.bind(1, LogFile.number(of: partition))
    keep.bind(2, offset)
    keep.bind(3, copying: body)
    keep.bind(4, reason)
    try keep.run()
    let replace = try database.prepare("UPDATE records SET body = ? WHERE sequence = ?")
    replace.bind(1, copying: rest)
    replace.bind(2, sequence)
    try replace.run()
    return nil
  }

  /// The bytes of the record with one entry skipped; or why there are none.
  private static func rest(of body: [UInt8], without entry: Int) -> Result<[UInt8], LogFailure> {
    let record: TurnRecord
    switch body.withUnsafeBytes(EncodedRecord.decode) {
    case .undecodable(let reason):
      return .failure(LogFailure(.format, "has bytes that are not a record (\(reason)) and have no entries,"))
    case .record(.owned): return .failure(LogFailure(.trimmed, "has an owner's announcement, without entries,"))
    case .record(.turn(let turn)): record = turn
    }
    guard record.entries.indices.contains(entry) else {
      return .failure(LogFailure(.trimmed, "has no entry \(entry)"))
    }
    var entries = record.entries
    entries[entry] = LoggedInput(origin: entries[entry].origin, body: .skip(nil, .setAside))
    let changed = TurnRecord(
      owner: record.owner, number: record.number, time: record.time, controls: record.controls, entries: entries)
    var bytes: [UInt8] = []
    LogRecordCodec.encode(.turn(changed), into: &bytes)
    return .success(bytes)
  }
}
