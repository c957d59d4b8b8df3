import Model
import PartitionCore
import Ports
import Wire

/// Sends one checkpoint as statements of bounded size, within a transaction; its header apart, once the rows that it
/// replaced are known.
struct CheckpointStatements {
  let batch: CheckpointBatch
  let epoch: Int64
  /// The turn that the partition's row has reached, and this checkpoint's.
  let reached: Int64
  let turn: Int64
  /// What changes in the unacknowledged messages and replies.
  let unsent: UnsentRows.Change
  let options: PostgresOptions

  /// A statement's purpose, needed to interpret its answer.
  enum Role {
    case fence, upsert, delete, deleteExpired, unsent
  }

  /// Bytes of the bodies sent.
  private(set) var bodyBytes = 0
  /// The rows sent: how many, and what they add up to.
  private(set) var rowCount = 0
  private(set) var written = StoreTotals()

  init(
    _ batch: CheckpointBatch, epoch: Int64, reached: Int64, turn: Int64, _ unsent: UnsentRows.Change,
    _ options: PostgresOptions
  ) {
    self.batch = batch
    self.epoch = epoch
    self.reached = reached
    self.turn = turn
    self.unsent = unsent
    self.options = options
  }

  /// - Parameter sent: called with the role of each statement, in order.
  /// - Throws: `lost`; `refused` if a row is too large, after which the transaction must be rolled back.
  mutating func send(on connection: Connection, sent: (Role) -> Void) throws(PostgresFailure) {
    try connection.send(inTransaction: .fence, fence())
    sent(.fence)
    var rows = Columns()
    var deleted = Columns()
    let changes = Self.sorted(batch.changes)
    for (place, change) in changes.enumerated() {
      // A statement must not touch a row twice; of two changes of a key, the last counts.
      if place + 1 < changes.count, changes[place + 1].concernsSameRow(as: change) { continue }
      if let value = change.value {
        rows.append(change, value)
        guard rows.lastBodyBytes <= options.rowBytesMax else {
          throw .refused(state: "54000", message: "the row \(change.text) has \(rows.lastBodyBytes) bytes: too many")
        }
        bodyBytes += rows.lastBodyBytes
        rowCount += 1
        rows.withLastBody { written.insert(kind: change.kind, key: change.text, $0) }
      } else {
        deleted.appendKey(change)
      }
      if isFull(rows) {
        try connection.send(inTransaction: .upsert, parameters(rows))
        sent(.upsert)
        rows = Columns()
      }
      if isFull(deleted) {
        try connection.send(inTransaction: .delete, parameters(deleted))
        sent(.delete)
        deleted = Columns()
      }
    }
    if rows.count > 0 {
      try connection.send(inTransaction: .upsert, parameters(rows))
      sent(.upsert)
    }
    if deleted.count > 0 {
      try connection.send(inTransaction: .delete, parameters(deleted))
      sent(.delete)
    }
    try connection.send(inTransaction: .deleteExpired, deleteExpired())
    sent(.deleteExpired)
    if unsent.isEmpty { return }
    let statements = UnsentStatements(change: unsent, options: options)
    try statements.send(guarded: guarded(by: turn)) { statement, parameters throws(PostgresFailure) in
      try connection.send(inTransaction: statement, parameters)
      sent(.unsent)
    }
  }

  private func isFull(_ columns: Columns) -> Bool {
    columns.count >= options.batchRowsMax || columns.byteCount >= options.batchBytesMax
  }

  // MARK: Parameters

  private func fence() -> Parameters {
    var parameters = guarded(by: reached)
    parameters.add(turn)
    parameters.add(batch.header.offset)
    return parameters
  }

  /// Sends the header, in the same transaction.
  /// - Parameter totals: what all the partition's rows add up to then.
  /// - Throws: `lost`.
  func sendHeader(_ totals: StoreTotals, on connection: Connection) throws(PostgresFailure) {
    var header: [UInt8] = []
    CheckpointCodec.encode(batch.header, totals: totals, into: &header)
    var parameters = guarded(by: turn)
    parameters.add(header)
    try connection.send(inTransaction: .writeHeader, parameters)
  }

  private func guarded(by turn: Int64) -> Parameters {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: batch.header.partition.index))
    parameters.add(epoch)
    parameters.add(turn)
    return parameters
  }

  private func parameters(_ columns: Columns) -> Parameters {
    var parameters = guarded(by: turn)
    if columns.bodies.count > 0 { parameters.add(batch.header.offset) }
    parameters.add(columns.kinds)
    parameters.add(columns.keys)
    if columns.bodies.count > 0 {
      parameters.add(columns.expiries)
      parameters.add(columns.bodies)
    }
    return parameters
  }

  private func deleteExpired() -> Parameters {
    var parameters = guarded(by: turn)
    parameters.add(Self.idempotencyKind)
    parameters.add(batch.header.now.milliseconds)
    parameters.add(Int64(options.expiredRowsMax))
    return parameters
  }

  private static let idempotencyKind = Int16(EntityCodec.kind(of: .idempotency(IdempotencyKey(unchecked: "0"))))

  // MARK: Rows

  private struct SortedChange {
    let kind: UInt8
    let text: String
    let value: Entity?

    func concernsSameRow(as other: SortedChange) -> Bool { kind == other.kind && text == other.text }
  }

  /// In table order, so that each page is visited once.
  private static func sorted(_ changes: [EntityChange]) -> [SortedChange] {
    changes.map { change in
      SortedChange(
        kind: EntityCodec.kind(of: change.key), text: EntityCodec.text(of: change.key), value: change.value)
    }
    .sorted { a, b in a.kind == b.kind ? a.text < b.text : a.kind < b.kind }
  }

  private struct Columns {
    var kinds = Parameters.Column(.smallint)
    var keys = Parameters.Column(.text)
    var expiries = Parameters.Column(.bigint)
    var bodies = Parameters.Column(.bytea)
    var lastBodyBytes = 0

    func withLastBody(_ body: (UnsafeRawBufferPointer) -> Void) { bodies.withLast(lastBodyBytes, body) }

    var count: Int { kinds.count }
    var byteCount: Int { keys.byteCount + bodies.byteCount }

    mutating func appendKey(_ change: SortedChange) {
      kinds.append(Int16(change.kind))
      keys.append(change.text)
    }

    mutating func append(_ change: SortedChange, _ value: Entity) {
      appendKey(change)
      if case .idempotency(let record) = value {
        expiries.append(record.expiry.milliseconds)
      } else {
        expiries.appendNull()
      }
      let before = bodies.byteCount
      bodies.append { EntityCodec.encode(value, into: &$0) }
      lastBodyBytes = bodies.byteCount - before - 4
    }
  }
}
