import Model
import PartitionCore
import StateStore
import Wire

/// Raises a partition's epoch and reads what recovery needs, in one transaction. The row that it updates keeps the
/// old owner's checkpoints out meanwhile.
struct Acquisition {
  private let name: String
  private let partition: PartitionID
  private let floor: UInt64
  private let options: PostgresOptions

  init(_ name: String, _ partition: PartitionID, above floor: UInt64, _ options: PostgresOptions) {
    self.name = name
    self.partition = partition
    self.floor = floor
    self.options = options
  }

  private var index: Int16 { Int16(truncatingIfNeeded: partition.index) }

  /// - Throws: `lost`, `refused`.
  func perform(on connection: Connection) throws(PostgresFailure) -> Result<Ownership, StoreFailure> {
    do throws(PostgresFailure) {
      let ownership = try read(on: connection)
      var isCommitted = false
      let isKept = (try? ownership.get()) != nil
      try connection.perform(
        send: { connection throws(PostgresFailure) in try connection.send(isKept ? .commit : .rollback) },
        each: { _, rows in isCommitted = rows.tag == "COMMIT" })
      guard isKept == isCommitted else { throw .refused(state: "25000", message: "the transaction was undone") }
      return ownership
    } catch {
      guard case .refused = error else { throw error }
      try connection.perform { connection throws(PostgresFailure) in try connection.send(.rollback) }
      if error.endsConnection { throw .lost(error.message) }
      throw error
    }
  }

  private func read(on connection: Connection) throws(PostgresFailure) -> Result<Ownership, StoreFailure> {
    var raised: Result<(UInt64, CheckpointHeader?), StoreFailure> = .failure(damaged("it has no row"))
    var quarantined: Set<Int64> = []
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        try connection.send(.begin)
        var parameters = Parameters()
        parameters.add(index)
        parameters.add(Int64(clamping: floor))
        try connection.send(.raiseEpoch, parameters)
        var limits = Parameters()
        limits.add(index)
        limits.add(Int64(options.quarantinedRowsMax))
        try connection.send(.quarantined, limits)
      },
      each: { statement, rows in
        switch statement {
        case 1: raised = raisedRow(rows)
        case 2: for row in 0..<rows.count { if let offset = rows.bigint(row, 0) { quarantined.insert(offset) } }
        default: break
        }
      })
    switch raised {
    case .failure(let failure): return .failure(failure)
    case .success(let (epoch, header)):
      switch try pinned(on: connection) {
      case .failure(let failure): return .failure(failure)
      case .success(let pinned):
        let recovery = Recovery(header: header, pinned: pinned, quarantined: quarantined)
        return .success(Ownership(epoch: epoch, recovery: recovery))
      }
    }
  }

  private func raisedRow(_ rows: borrowing Rows) -> Result<(UInt64, CheckpointHeader?), StoreFailure> {
    guard let epoch = rows.bigint(0, 0).flatMap({ UInt64(exactly: $0) }), epoch > 0 else {
      return .failure(damaged("its epoch is out of range"))
    }
    guard let bytes = rows.bytes(0, 1) else { return .success((epoch, nil)) }
    do throws(StoreFailure) {
      return .success((epoch, try StoredRows.header(bytes, of: partition, in: name)))
    } catch {
      return .failure(error)
    }
  }

  private func damaged(_ reason: String) -> StoreFailure {
    StoreFailure(.format, "\(name): the checkpoint of \(partition) is damaged: \(reason); \(StoredRows.advice)")
  }

  // MARK: Holds, and the items they name

  private func pinned(on connection: Connection) throws(PostgresFailure) -> Result<[EntityChange], StoreFailure> {
    guard partition.service == .stock else { return .success([]) }
    let rows = EntityRows(name, partition)
    var pinned: [EntityChange] = []
    var items: Set<ItemID> = []
    var after = ""
    while true {
      let page: [EntityChange]
      switch try rows.page(ofKind: Self.holdKind, after: after, limit: options.batchRowsMax, on: connection) {
      case .failure(let failure): return .failure(failure)
      case .success(let found): page = found
      }
      for row in page {
        if case .hold(let hold)? = row.value { items.formUnion(hold.lines.map(\.item)) }
      }
      pinned += page
      guard page.count == options.batchRowsMax, let last = page.last else { break }
      after = EntityCodec.text(of: last.key)
    }
    let keys = items.sorted().map(EntityKey.item)
    for start in stride(from: 0, to: keys.count, by: options.batchRowsMax) {
      let part = Array(keys[start..<min(keys.count, start + options.batchRowsMax)])
      switch try rows.rows(of: part, on: connection) {
      case .failure(let failure): return .failure(failure)
      case .success(let found): pinned += found
      }
    }
    return .success(pinned)
  }

  private static let holdKind = EntityCodec.kind(
    of: .hold(AttemptID(order: OrderID(unchecked: "0"), number: 1)))
}
