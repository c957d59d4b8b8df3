import Model
import PartitionCore
import Ports
import Wire

/// Reads entities of one partition, on a connection that is in a transaction or needs none.
struct EntityRows {
  private let name: String
  private let partition: PartitionID

  init(_ name: String, _ partition: PartitionID) {
    self.name = name
    self.partition = partition
  }

  private var index: Int16 { Int16(truncatingIfNeeded: partition.index) }

  /// Up to `limit` entities of a kind after the key `after`, ordered by their keys' bytes.
  /// - Throws: `lost`, `refused`.
  func page(
    ofKind kind: UInt8, after: String, limit: Int, on connection: Connection
  ) throws(PostgresFailure) -> Result<[EntityChange], StoreFailure> {
    var parameters = Parameters()
    parameters.add(index)
    parameters.add(Int16(kind))
    parameters.add(after)
    parameters.add(Int64(limit))
    var result: Result<[EntityChange], StoreFailure> = .success([])
    try connection.perform(
      send: { connection throws(PostgresFailure) in try connection.send(.ofKind, parameters) },
      each: { _, rows in result = page(ofKind: kind, rows, keyColumn: 0) })
    return result
  }

  /// The entities of rows that have a key and a body.
  func page(
    ofKind kind: UInt8, _ rows: borrowing Rows, keyColumn: Int
  ) -> Result<[EntityChange], StoreFailure> {
    var page: [EntityChange] = []
    page.reserveCapacity(rows.count)
    do throws(StoreFailure) {
      for row in 0..<rows.count where !rows.isNull(row, keyColumn) {
        let key = try StoredRows.key(kind: kind, text: rows.text(row, keyColumn) ?? "", of: partition, in: name)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        let value = try StoredRows.entity(rows.bytes(row, keyColumn + 1) ?? empty, for: key, of: partition, in: name)
        page.append(EntityChange(key: key, value: value))
      }
    } catch {
      return .failure(error)
    }
    return .success(page)
  }

  /// The entities of some keys, nil for missing ones, in the order of the keys.
  /// - Throws: `lost`, `refused`.
  func rows(
    of keys: [EntityKey], on connection: Connection
  ) throws(PostgresFailure) -> Result<[EntityChange], StoreFailure> {
    var parameters = Parameters()
    parameters.add(index)
    parameters.add(keys: keys)
    var result: Result<[EntityChange], StoreFailure> = .success([])
    try connection.perform(
      send: { connection throws(PostgresFailure) in try connection.send(.one, parameters) },
      each: { _, rows in result = placed(rows, keys, placeColumn: 0) })
    return result
  }

  /// What an owner keeps in memory from the start: the holds of unfinished checkouts, and the items they name.
  /// - Parameter rowsMax: per statement.
  /// - Throws: `lost`, `refused`.
  func pinned(rowsMax: Int, on connection: Connection) throws(PostgresFailure) -> Result<[EntityChange], StoreFailure> {
    guard partition.service == .stock else { return .success([]) }
    var pinned: [EntityChange] = []
    var items: Set<ItemID> = []
    var after = ""
    while true {
      let page: [EntityChange]
      switch try self.page(ofKind: Self.holdKind, after: after, limit: rowsMax, on: connection) {
      case .failure(let failure): return .failure(failure)
      case .success(let found): page = found
      }
      for row in page {
        if case .hold(let hold)? = row.value { items.formUnion(hold.lines.map(\.item)) }
      }
      pinned += page
      guard page.count == rowsMax, let last = page.last else { break }
      after = EntityCodec.text(of: last.key)
    }
    let keys = items.sorted().map(EntityKey.item)
    for start in stride(from: 0, to: keys.count, by: rowsMax) {
      switch try rows(of: Array(keys[start..<min(keys.count, start + rowsMax)]), on: connection) {
      case .failure(let failure): return .failure(failure)
      case .success(let found): pinned += found
      }
    }
    return .success(pinned)
  }

  /// What the partition's rows add up to; reads all of them.
  /// - Parameter rowsMax: per statement.
  /// - Throws: `lost`, `refused`.
  func totals(rowsMax: Int, on connection: Connection) throws(PostgresFailure) -> StoreTotals {
    var totals = StoreTotals()
    var after: (kind: Int16, key: String)? = (.min, "")
    while let (kind, key) = after {
      var parameters = Parameters()
      parameters.add(index)
      parameters.add(kind)
      parameters.add(key)
      parameters.add(Int64(rowsMax))
      after = nil
      try connection.perform(
        send: { connection throws(PostgresFailure) in try connection.send(.every, parameters) },
        each: { _, rows in
          totals.insert(rows)
          let last = rows.count - 1
          guard rows.count == rowsMax, let kind = rows.smallint(last, 0), let key = rows.text(last, 1) else { return }
          after = (kind, key)
        })
    }
    return totals
  }

  private static let holdKind = EntityCodec.kind(
    of: .hold(AttemptID(order: OrderID(unchecked: "0"), number: 1)))

  /// Assigns rows of (place from 1, body) to their keys.
  func placed(
    _ rows: borrowing Rows, _ keys: [EntityKey], placeColumn: Int
  ) -> Result<[EntityChange], StoreFailure> {
    var values: [Entity?] = Array(repeating: nil, count: keys.count)
    do throws(StoreFailure) {
      for row in 0..<rows.count {
        guard let place = rows.bigint(row, placeColumn), let bytes = rows.bytes(row, placeColumn + 1) else { continue }
        guard place >= 1, place <= keys.count else {
          throw StoreFailure(.format, "\(name): the server returned a row of \(partition) that was not requested")
        }
        let index = Int(place) - 1
        values[index] = try StoredRows.entity(bytes, for: keys[index], of: partition, in: name)
      }
    } catch {
      return .failure(error)
    }
    return .success(zip(keys, values).map { EntityChange(key: $0, value: $1) })
  }
}

extension StoreTotals {
  /// Adds rows of (kind, key, body).
  mutating func insert(_ rows: borrowing Rows) {
    for row in 0..<rows.count {
      guard let kind = rows.smallint(row, 0), let key = rows.bytes(row, 1), let body = rows.bytes(row, 2) else {
        continue
      }
      insert(kind: UInt8(clamping: kind), key: key, body)
    }
  }
}

extension Parameters {
  /// Two columns: the kinds and the texts.
  mutating func add(keys: [EntityKey]) {
    var kinds = Column(.smallint)
    var texts = Column(.text)
    for key in keys {
      kinds.append(Int16(EntityCodec.kind(of: key)))
      texts.append(EntityCodec.text(of: key))
    }
    add(kinds)
    add(texts)
  }
}
