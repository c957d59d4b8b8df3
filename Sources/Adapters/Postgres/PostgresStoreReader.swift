import Model
import PartitionCore
import Ports
import Wire

/// Reads a service's database for tools, even while pods write it. Owned by one thread; changes nothing except what an
/// operator sets aside.
public final class PostgresStoreReader {
  /// The Kassa that the database says it belongs to.
  public let identity: PostgresIdentity
  let name: String
  private let service: Service
  private let options: PostgresOptions
  private let connection: Connection
  private var isMomentHeld = false

  /// Connects.
  /// - Throws: `StoreFailure` if the server cannot be reached, or the database is not a Kassa database of this service.
  public init(
    _ connection: String, service: Service, options: PostgresOptions = PostgresOptions()
  ) throws(StoreFailure) {
    if let contradiction = options.contradiction { throw StoreFailure(.format, contradiction) }
    let target = try ConnectionString(connection)
    name = target.name
    self.service = service
    self.options = options
    do throws(PostgresFailure) {
      (self.connection, identity) = try Session.openForReading(target, service, options)
    } catch {
      throw error.storeFailure(.read, at: target.name)
    }
  }

  /// Makes all further reads see one snapshot, until the reader is gone; the server keeps what changes in the meantime,
  /// and ends a reader that is idle for the options' `statementMillisecondsMax`.
  /// - Throws: `StoreFailure`.
  public func holdMoment() throws(StoreFailure) {
    guard !isMomentHeld else { return }
    try perform(Self.beginMoment)
    isMomentHeld = true
  }

  private static let beginMoment = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

  /// The newest checkpoint of every partition, ascending; those without one are left out.
  /// - Throws: `StoreFailure`.
  public func headers() throws(StoreFailure) -> [CheckpointHeader] {
    var headers: [CheckpointHeader] = []
    for index in 0..<UInt16(clamping: identity.partitionCount) {
      if let header = try header(of: PartitionID(service, index)) { headers.append(header) }
    }
    return headers
  }

  /// The newest checkpoint of a partition; nil if there is none.
  /// - Throws: `StoreFailure`.
  func header(of partition: PartitionID) throws(StoreFailure) -> CheckpointHeader? {
    try decodeHeader(of: partition, StoredRows.header)
  }

  /// What a partition's checkpoint says that its rows add up to, and what they add up to; nil if it says nothing.
  /// - Throws: `StoreFailure`.
  package func totals(of partition: PartitionID) throws(StoreFailure) -> (kept: StoreTotals, found: StoreTotals)? {
    if !isMomentHeld { try perform(Self.beginMoment) }
    defer { if !isMomentHeld { try? perform("ROLLBACK") } }
    guard let kept = try decodeHeader(of: partition, StoredRows.totals) ?? nil else { return nil }
    var found = StoreTotals()
    try reading { () throws(PostgresFailure) in
      found = try EntityRows(name, partition).totals(rowsMax: options.batchRowsMax, on: connection)
    }
    return (kept, found)
  }

  /// nil if there is no checkpoint.
  private func decodeHeader<Value>(
    of partition: PartitionID,
    _ decode: (UnsafeRawBufferPointer, PartitionID, String) throws(StoreFailure) -> Value
  ) throws(StoreFailure) -> Value? {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    var found: Result<Value, StoreFailure>?
    try reading { () throws(PostgresFailure) in
      try connection.perform(
        send: { connection throws(PostgresFailure) in try connection.send(.header, parameters) },
        each: { _, rows in
          guard let bytes = rows.bytes(0, 1) else { return }
          do throws(StoreFailure) {
            found = .success(try decode(bytes, partition, name))
          } catch {
            found = .failure(error)
          }
        })
    }
    return try found?.get()
  }

  /// Calls `body` for every entity of a partition, ordered by (kind, key), from one snapshot.
  ///
  /// The server keeps what changes in the meantime until this ends.
  /// - Throws: `StoreFailure`, or what `body` throws.
  public func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    if !isMomentHeld { try perform(Self.beginMoment) }
    defer { if !isMomentHeld { try? perform("ROLLBACK") } }
    for kind in UInt8(1)...6 { try forEachEntity(ofKind: kind, of: partition, body) }
  }

  private func forEachEntity(
    ofKind kind: UInt8, of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void
  ) throws {
    var after = ""
    while true {
      let rows = EntityRows(name, partition)
      var page: Result<[EntityChange], StoreFailure> = .success([])
      try reading { () throws(PostgresFailure) in
        page = try rows.page(ofKind: kind, after: after, limit: options.batchRowsMax, on: connection)
      }
      let found = try page.get()
      for row in found {
        if let value = row.value { try body(row.key, value) }
      }
      guard let last = found.last else { return }
      after = EntityCodec.text(of: last.key)
    }
  }

  /// What an owner keeps in memory from the start: the holds of unfinished checkouts, and their items.
  /// - Throws: `StoreFailure`.
  public func pinned(of partition: PartitionID) throws(StoreFailure) -> [EntityChange] {
    var found: Result<[EntityChange], StoreFailure> = .success([])
    try reading { () throws(PostgresFailure) in
      found = try EntityRows(name, partition).pinned(rowsMax: options.batchRowsMax, on: connection)
    }
    return try found.get()
  }

  /// A partition's unacknowledged messages, ascending by destination and number.
  /// - Throws: `StoreFailure`.
  public func outbox(of partition: PartitionID) throws(StoreFailure) -> [OutboxRow] {
    var unsent = UnsentReading(name, partition, rowsMax: options.batchRowsMax)
    while unsent.failure == nil, !unsent.isOutboxWhole {
      let page = unsent.parameters.messages
      try reading { () throws(PostgresFailure) in
        try connection.perform(
          send: { connection throws(PostgresFailure) in try connection.send(.messages, page) },
          each: { _, rows in unsent.takeMessages(rows) })
      }
    }
    if let failure = unsent.failure { throw failure }
    return unsent.outbox
  }

  /// Numbers of records in which an operator had Kassa skip what cannot be applied.
  /// - Throws: `StoreFailure`.
  public func quarantined(of partition: PartitionID) throws(StoreFailure) -> Set<Int64> {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    parameters.add(Int64(options.quarantinedRowsMax))
    var found: Set<Int64> = []
    try reading { () throws(PostgresFailure) in
      try connection.perform(
        send: { connection throws(PostgresFailure) in try connection.send(.quarantined, parameters) },
        each: { _, rows in
          for row in 0..<rows.count { if let number = rows.bigint(row, 0) { found.insert(number) } }
        })
    }
    return found
  }

  /// Makes the next owner of a partition skip what it cannot apply in a record.
  /// - Throws: `StoreFailure`.
  func quarantine(_ number: UInt64, of partition: PartitionID, note: String) throws(StoreFailure) {
    var parameters = Parameters()
    parameters.add(Int16(truncatingIfNeeded: partition.index))
    parameters.add(Int64(clamping: number))
    parameters.add(note)
    do throws(PostgresFailure) {
      try connection.perform { connection throws(PostgresFailure) in
        try connection.send(text: Self.insertQuarantined, parameters)
      }
    } catch {
      throw error.storeFailure(.write, at: name)
    }
  }

  // partition, number, note
  private static let insertQuarantined = """
    INSERT INTO kassa.quarantined (partition, number, note) VALUES ($1::int2, $2::int8, $3::text)
    ON CONFLICT (partition, number) DO UPDATE SET note = excluded.note, made_at = now()
    """

  /// Some entities, nil for missing ones, in the order of the keys.
  /// - Throws: `StoreFailure`.
  public func entities(
    _ keys: [EntityKey], of partition: PartitionID
  ) throws(StoreFailure) -> [EntityChange] {
    guard !keys.isEmpty else { return [] }
    var found: Result<[EntityChange], StoreFailure> = .success([])
    try reading { () throws(PostgresFailure) in
      found = try EntityRows(name, partition).rows(of: keys, on: connection)
    }
    return try found.get()
  }

  /// One entity; nil if there is none.
  /// - Throws: `StoreFailure`.
  public func entity(_ key: EntityKey, of partition: PartitionID) throws(StoreFailure) -> Entity? {
    try entities([key], of: partition).first?.value
  }

  private func perform(_ text: String) throws(StoreFailure) {
    try reading { () throws(PostgresFailure) in
      try connection.perform { connection throws(PostgresFailure) in try connection.send(text: text) }
    }
  }

  private func reading(_ body: () throws(PostgresFailure) -> Void) throws(StoreFailure) {
    do throws(PostgresFailure) {
      try body()
    } catch {
      throw error.storeFailure(.read, at: name)
    }
  }
}
