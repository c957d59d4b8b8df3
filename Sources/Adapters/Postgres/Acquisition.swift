import Model
import PartitionCore
import Ports
import Wire

/// Raises a partition's epoch and reads what recovery needs, in one transaction. The updated row locks out the old
/// owner's checkpoints until then.
///
/// The database's partition count is read for it, and cannot change before it ends: a pod that came up before the count
/// changed must own nothing afterwards.
struct Acquisition {
  private let name: String
  private let partition: PartitionID
  private let floor: UInt64
  private let partitionCount: Int
  private let options: PostgresOptions

  /// - Parameter count: what the database must have been made with, or grown to.
  init(_ name: String, _ partition: PartitionID, of count: Int, above floor: UInt64, _ options: PostgresOptions) {
    partitionCount = count
    self.name = name
    self.partition = partition
    self.floor = floor
    self.options = options
  }

  private var index: Int16 { Int16(truncatingIfNeeded: partition.index) }

  /// The partition, and the unacknowledged messages and replies in its rows.
  typealias Found = (ownership: Ownership, unsent: UnsentRows)

  /// - Throws: `lost`, `refused`.
  func perform(on connection: Connection) throws(PostgresFailure) -> Result<Found, StoreFailure> {
    do throws(PostgresFailure) {
      let found = try read(on: connection)
      var isCommitted = false
      let isKept = (try? found.get()) != nil
      try connection.perform(
        send: { connection throws(PostgresFailure) in try connection.send(isKept ? .commit : .rollback) },
        each: { _, rows in isCommitted = rows.tag == "COMMIT" })
      guard isKept == isCommitted else { throw .refused(state: "25000", message: "the transaction was rolled back") }
      return found
    } catch {
      guard case .refused = error else { throw error }
      try connection.perform { connection throws(PostgresFailure) in try connection.send(.rollback) }
      if error.endsConnection { throw .lost(error.message) }
      throw error
    }
  }

  private func read(on connection: Connection) throws(PostgresFailure) -> Result<Found, StoreFailure> {
    var raised: Result<(UInt64, CheckpointHeader?), StoreFailure> = .failure(damaged("it has no row"))
    var (found, quarantined) = (Int64?.none, Set<Int64>())
    var unsent = UnsentReading(name, partition, rowsMax: options.batchRowsMax)
    let firstPage = unsent.parameters
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        try connection.send(.begin)
        try connection.send(.partitionCount)
        var parameters = Parameters()
        parameters.add(index)
        parameters.add(Int64(clamping: floor))
        try connection.send(.raiseEpoch, parameters)
        var limits = Parameters()
        limits.add(index)
        limits.add(Int64(options.quarantinedRowsMax))
        try connection.send(.quarantined, limits)
        try connection.send(.messages, firstPage.messages)
        try connection.send(.replies, firstPage.replies)
      },
      each: { statement, rows in
        switch statement {
        case 1: found = rows.bigint(0, 0)
        case 2: raised = raisedRow(rows)
        case 3: for row in 0..<rows.count { if let number = rows.bigint(row, 0) { quarantined.insert(number) } }
        case 4: unsent.takeMessages(rows)
        case 5: unsent.takeReplies(rows)
        default: break
        }
      })
    guard found == Int64(partitionCount) else { return .failure(grown(to: found)) }
    if case .failure(let failure) = raised { return .failure(failure) }
    while !unsent.isWhole {
      let page = unsent.parameters
      try connection.perform(
        send: { connection throws(PostgresFailure) in
          try connection.send(.messages, page.messages)
          try connection.send(.replies, page.replies)
        },
        each: { statement, rows in
          if statement == 0 { unsent.takeMessages(rows) } else { unsent.takeReplies(rows) }
        })
    }
    if let failure = unsent.failure { return .failure(failure) }
    let pinned = try EntityRows(name, partition).pinned(rowsMax: options.batchRowsMax, on: connection)
    do throws(StoreFailure) {
      let (epoch, header) = try raised.get()
      let recovery = Recovery(
        header: header, pinned: try pinned.get(), quarantined: quarantined, outbox: unsent.outbox,
        replies: unsent.replies.map(\.reply))
      let rows = UnsentRows(outbox: unsent.outbox, replies: unsent.replies)
      return .success((Ownership(epoch: epoch, recovery: recovery), rows))
    } catch {
      return .failure(error)
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

  private func grown(to count: Int64?) -> StoreFailure {
    StoreFailure(
      .format,
      "\(name): has \(count.map(String.init) ?? "no") partitions now, and this pod started with \(partitionCount); "
        + "restart it with the new count")
  }

  private func damaged(_ reason: String) -> StoreFailure {
    StoreFailure(.format, "\(name): the checkpoint of \(partition) is damaged: \(reason); \(StoredRows.advice)")
  }
}
