import EventLog
import Model
import SQLiteFolder
import Wire

/// A record that was set aside, as it stood in the log before.
public struct QuarantinedRecord: Hashable, Sendable {
  public let offset: Int64
  public let bytes: [UInt8]
  /// What the operator gave as the reason; each reason on a line where more than one entry of it was set aside.
  public let reason: String
}

/// Sets a record, or one entry of it, aside that stops its partition: nothing else lets a partition go past it.
public enum Quarantine {
  /// Takes the record out of the partition's way, and keeps its bytes and the reason in the table `quarantined`.
  ///
  /// With an `entry` the record's other entries stay: those before it were applied and perhaps answered already.
  /// Without one the record is replaced by an empty one. What was taken out will never happen, effects on other
  /// partitions included; the operator decides that. The folder has to be open, and so locked, and its log must not be.
  /// - Throws: `LogFailure`; then nothing was changed.
  public static func replace(
    _ partition: PartitionID, offset: Int64, entry: Int? = nil, reason: String, in folder: DataFolder
  ) throws(LogFailure) {
    let path = "\(folder.path)/\(LogFile.file.name)"
    let changed: Bool
    do throws(DatabaseError) {
      let database = try LogFile.file.open(in: folder.path, mode: .readWrite)
      try database.execute("BEGIN IMMEDIATE")
      defer { database.rollback() }
      changed = try replace(partition, offset, entry, reason, database)
      if changed { try database.execute("COMMIT") }
    } catch {
      throw LogFailure(error.isDamage ? .format : .write, error.message)
    }
    if !changed {
      let what = entry.map { "entry \($0) at offset" } ?? "offset"
      throw LogFailure(.trimmed, "\(path): has no \(what) \(offset) of \(partition)")
    }
  }

  private static func replace(
    _ partition: PartitionID, _ offset: Int64, _ entry: Int?, _ reason: String, _ database: Database
  ) throws(DatabaseError) -> Bool {
    let find = try database.prepare("SELECT sequence, body FROM records WHERE partition = ? AND offset = ?")
    find.bind(1, LogFile.number(of: partition))
    find.bind(2, offset)
    guard try find.step() else { return false }
    let sequence = find.integer(0)
    let body = Array(find.bytes(1))
    find.reset()
    guard let rest = rest(of: body, without: entry) else { return false }
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
    return true
  }

  /// The bytes of a record without one of its entries, or without any; nil where it does not have that entry.
  private static func rest(of body: [UInt8], without entry: Int?) -> [UInt8]? {
    guard let entry else { return [] }
    guard case .record(var record) = body.withUnsafeBytes(EncodedRecord.decode),
      record.entries.indices.contains(entry)
    else { return nil }
    record.entries.remove(at: entry)
    var bytes: [UInt8] = []
    RecordCodec.encode(record, into: &bytes)
    return bytes
  }
}
