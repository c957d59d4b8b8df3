import Model
import PartitionCore
import Ports
import Wire

/// Reads rows over one connection. Owned by one thread.
final class StoreRows {
  let path: String
  private let database: Database
  private let begin, end, one, ofKind, every, checkpoint: Statement
  /// nil in a file whose version has none.
  private let outbox, replies: Statement?

  init(_ database: Database) throws(DatabaseError) {
    self.database = database
    path = database.path
    begin = try database.prepare("BEGIN")
    end = try database.prepare("COMMIT")
    one = try database.prepare("SELECT body FROM entities WHERE partition = ? AND kind = ? AND key = ?")
    ofKind = try database.prepare(
      "SELECT key, body FROM entities WHERE partition = ? AND kind = ? AND key > ? ORDER BY key LIMIT ?")
    every = try database.prepare("SELECT kind, key, body FROM entities WHERE partition = ?")
    checkpoint = try database.prepare("SELECT epoch, header FROM checkpoints WHERE partition = ?")
    let hasUnsent = try database.integer("PRAGMA user_version") ?? 0 >= StoreFile.unsentVersion
    if hasUnsent {
      outbox = try database.prepare(
        "SELECT destination, number, body FROM outbox WHERE partition = ? ORDER BY destination, number")
      replies = try database.prepare("SELECT place, body FROM replies WHERE partition = ? ORDER BY place")
    } else {
      (outbox, replies) = (nil, nil)
    }
  }

  /// From now on all reads see the present state.
  func hold() throws(StoreFailure) {
    try StoreFailure.reading { () throws(DatabaseError) in try database.hold() }
  }

  func copy(to path: String, progress: (Int64) -> Void) throws(DatabaseError) {
    try database.copy(to: path, progress: progress)
    database.rollback()
  }

  func byteCount() throws(DatabaseError) -> Int64 { try database.byteCount() }

  /// Runs `body` in one read transaction.
  func atOnePoint<Result>(_ body: () throws(StoreFailure) -> Result) throws(StoreFailure) -> Result {
    if database.isInTransaction { return try body() }
    try StoreFailure.reading { () throws(DatabaseError) in try begin.run() }
    defer { database.rollback() }
    let result = try body()
    try StoreFailure.reading { () throws(DatabaseError) in try end.run() }
    return result
  }

  /// nil if there is no such row.
  func entity(_ key: EntityKey, of partition: PartitionID) throws(StoreFailure) -> Entity? {
    one.bind(1, StoreFile.number(of: partition))
    one.bind(2, Int64(EntityCodec.kind(of: key)))
    one.bind(3, EntityCodec.text(of: key))
    guard try StoreFailure.reading({ () throws(DatabaseError) in try one.step() }) else { return nil }
    defer { one.reset() }
    return try StoredRows.entity(one.bytes(0), for: key, of: partition, in: path)
  }

  /// Up to `limit` entities of one kind after the key `after`, ordered by their keys' texts.
  func entities(
    ofKind kind: UInt8, of partition: PartitionID, after: String, limit: Int
  ) throws(StoreFailure) -> [EntityChange] {
    ofKind.bind(1, StoreFile.number(of: partition))
    ofKind.bind(2, Int64(kind))
    ofKind.bind(3, after)
    ofKind.bind(4, Int64(limit))
    defer { ofKind.reset() }
    var rows: [EntityChange] = []
    while try StoreFailure.reading({ () throws(DatabaseError) in try ofKind.step() }) {
      let key = try StoredRows.key(kind: kind, text: ofKind.text(0), of: partition, in: path)
      let entity = try StoredRows.entity(ofKind.bytes(1), for: key, of: partition, in: path)
      rows.append(EntityChange(key: key, value: entity))
    }
    return rows
  }

  /// The unacknowledged messages, ascending by destination and number.
  func outbox(of partition: PartitionID) throws(StoreFailure) -> [OutboxRow] {
    guard let outbox else { return [] }
    outbox.bind(1, StoreFile.number(of: partition))
    defer { outbox.reset() }
    var rows: [OutboxRow] = []
    while try StoreFailure.reading({ () throws(DatabaseError) in try outbox.step() }) {
      rows.append(
        try StoredRows.message(
          outbox.bytes(2), to: outbox.integer(0), number: outbox.integer(1), of: partition, in: path))
    }
    return rows
  }

  /// The replies that no pod has received, oldest first.
  func replies(of partition: PartitionID) throws(StoreFailure) -> [UnsentRows.PlacedReply] {
    guard let replies else { return [] }
    replies.bind(1, StoreFile.number(of: partition))
    defer { replies.reset() }
    var rows: [UnsentRows.PlacedReply] = []
    while try StoreFailure.reading({ () throws(DatabaseError) in try replies.step() }) {
      rows.append(try StoredRows.reply(replies.bytes(1), at: replies.integer(0), of: partition, in: path))
    }
    return rows
  }

  /// The partition's newest epoch, 0 before the first, and its checkpoint.
  func checkpoint(of partition: PartitionID) throws(StoreFailure) -> (epoch: UInt64, header: CheckpointHeader?) {
    let (epoch, header) = try checkpoint(of: partition, StoredRows.header)
    return (epoch, header)
  }

  /// The totals that the partition's checkpoint has; nil without a checkpoint, or if it has none.
  func totals(of partition: PartitionID) throws(StoreFailure) -> StoreTotals? {
    try checkpoint(of: partition, StoredRows.totals).value ?? nil
  }

  /// - Returns: nil for the value without a checkpoint.
  private func checkpoint<Value>(
    of partition: PartitionID,
    _ decode: (UnsafeRawBufferPointer, PartitionID, String) throws(StoreFailure) -> Value
  ) throws(StoreFailure) -> (epoch: UInt64, value: Value?) {
    checkpoint.bind(1, StoreFile.number(of: partition))
    guard try StoreFailure.reading({ () throws(DatabaseError) in try checkpoint.step() }) else { return (0, nil) }
    defer { checkpoint.reset() }
    let epoch = UInt64(clamping: checkpoint.integer(0))
    if checkpoint.isNull(1) { return (epoch, nil) }
    return (epoch, try decode(checkpoint.bytes(1), partition, path))
  }

  /// What the partition's rows add up to; reads all of them.
  func count(_ partition: PartitionID) throws(DatabaseError) -> StoreTotals {
    every.bind(1, StoreFile.number(of: partition))
    var totals = StoreTotals()
    while try every.step() {
      totals.insert(kind: UInt8(clamping: every.integer(0)), key: every.bytes(1), every.bytes(2))
    }
    return totals
  }

  /// Only the newest epoch.
  func epoch(of partition: PartitionID) throws(StoreFailure) -> UInt64 {
    try checkpoint(of: partition) { (_, _, _) in }.epoch
  }

  /// - Throws: `StoreFailure` if `epoch` is not the newest one.
  func checkEpoch(_ epoch: UInt64, of partition: PartitionID) throws(StoreFailure) {
    try checkEpoch(epoch, of: partition, newest: try self.epoch(of: partition))
  }

  /// - Throws: `StoreFailure` if `epoch` is not `newest`.
  func checkEpoch(_ epoch: UInt64, of partition: PartitionID, newest: UInt64) throws(StoreFailure) {
    guard epoch == newest else {
      throw StoreFailure(.fenced, "\(path): \(partition) has epoch \(newest), and \(epoch) was requested")
    }
  }

  /// Every hold of the partition, and every item that a hold names.
  func pinned(of partition: PartitionID) throws(StoreFailure) -> [EntityChange] {
    guard partition.service == .stock else { return [] }
    var pinned: [EntityChange] = []
    var items: Set<ItemID> = []
    for row in try entities(ofKind: Self.holdKind, of: partition, after: "", limit: .max) {
      pinned.append(row)
      if case .hold(let hold)? = row.value { items.formUnion(hold.lines.map(\.item)) }
    }
    for item in items.sorted() {
      pinned.append(EntityChange(key: .item(item), value: try entity(.item(item), of: partition)))
    }
    return pinned
  }

  private static let holdKind = EntityCodec.kind(
    of: .hold(AttemptID(order: OrderID(unchecked: "0"), number: 1)))
}
