import Model
import PartitionCore
import Ports
import Wire

/// Moves the rows of a store to more partitions, in one transaction. Owned by one thread.
final class StoreGrowth {
  private let plan: GrowthPlan
  private let database: Database
  private let rows: StoreRows
  private let page, insert, delete, writeHeader: Statement

  /// Rows that are in memory at a time.
  private static let pageRowsMax = 1_000

  init(_ path: String, _ plan: GrowthPlan) throws(StoreFailure) {
    self.plan = plan
    do throws(DatabaseError) {
      database = try StoreFile.file.open(in: path, mode: .readWrite)
      rows = try StoreRows(database)
      page = try database.prepare(
        """
        SELECT kind, key, body FROM entities WHERE partition = ?1 AND (kind, key) > (?2, ?3)
        ORDER BY kind, key LIMIT ?4
        """)
      insert = try database.prepare(
        "INSERT INTO entities (partition, kind, key, expiry, offset, body) VALUES (?, ?, ?, ?, ?, ?)")
      delete = try database.prepare("DELETE FROM entities WHERE partition = ? AND kind = ? AND key = ?")
      writeHeader = try database.prepare(
        """
        INSERT INTO checkpoints (partition, epoch, header) VALUES (?1, 0, ?2)
        ON CONFLICT DO UPDATE SET header = excluded.header
        """)
    } catch {
      throw StoreFailure(error.isDamage ? .format : .read, error.message)
    }
  }

  /// Whether the store has the new count already: every new partition has a row in `checkpoints`.
  func isGrown() throws(StoreFailure) -> Bool {
    let first = StoreFile.number(of: PartitionID(.orders, plan.added.lowerBound))
    return try StoreFailure.reading { () throws(DatabaseError) in
      try database.integer("SELECT count(*) FROM checkpoints WHERE partition = \(first)") ?? 0 > 0
    }
  }

  /// The new partitions that begin with something.
  func begun() throws(StoreFailure) -> Set<PartitionID> {
    var begun: Set<PartitionID> = []
    for service in Service.allCases {
      for index in plan.added {
        let partition = PartitionID(service, index)
        if try rows.checkpoint(of: partition).header != nil { begun.insert(partition) }
      }
    }
    return begun
  }

  func standing(of partition: PartitionID, nextOffset: Int64) throws(StoreFailure) -> GrowthPlan.Standing {
    GrowthPlan.Standing(
      header: try rows.checkpoint(of: partition).header, nextOffset: nextOffset,
      unsentMessages: try rows.outbox(of: partition).count)
  }

  // MARK: The transaction

  /// Puts every row where it belongs; it counts with `commit`. `progress` gets the rows looked at.
  /// - Throws: `GrowthRefusal`, `StoreFailure`; then nothing is changed.
  func move(progress: (Int) -> Void) throws -> GrownRows {
    var total = GrownRows()
    try writing { () throws(DatabaseError) in try database.execute("BEGIN IMMEDIATE") }
    do {
      for service in Service.allCases {
        for index in 0..<plan.from.count {
          try move(PartitionID(service, UInt16(index)), &total, progress)
        }
      }
    } catch {
      database.rollback()
      throw error
    }
    return total
  }

  func commit() throws(StoreFailure) {
    do throws(StoreFailure) {
      try writing { () throws(DatabaseError) in
        try database.execute("COMMIT")
        try database.checkPlace()
      }
    } catch {
      database.rollback()
      throw error
    }
  }

  private func writing<Result>(_ body: () throws(DatabaseError) -> Result) throws(StoreFailure) -> Result {
    do throws(DatabaseError) {
      return try body()
    } catch {
      throw StoreFailure(error.isDamage ? .format : .write, error.message)
    }
  }

  private func move(_ partition: PartitionID, _ total: inout GrownRows, _ progress: (Int) -> Void) throws {
    let header = try rows.checkpoint(of: partition).header
    var moved = MovedPartition(partition, plan, header, in: rows.path)
    var last: (kind: UInt8, text: String) = (0, "")
    while true {
      let page = try self.page(of: partition, after: last)
      guard let newest = page.last else { break }
      try write(try moved.place(page, &total), from: partition)
      last = (newest.kind, newest.text)
      progress(total.seen)
    }
    let headers = try moved.headers(kept: try rows.totals(of: partition))
    for (heir, header, totals) in headers { try write(header, totals, of: heir) }
    for index in plan.heirs(of: partition.index).dropFirst() {
      let heir = PartitionID(partition.service, index)
      if !headers.contains(where: { $0.partition == heir }) { try write(nil, StoreTotals(), of: heir) }
    }
  }

  private func page(of partition: PartitionID, after last: (kind: UInt8, text: String)) throws(StoreFailure)
    -> [StoredRow]
  {
    page.bind(1, StoreFile.number(of: partition))
    page.bind(2, Int64(last.kind))
    page.bind(3, last.text)
    page.bind(4, Int64(Self.pageRowsMax))
    defer { page.reset() }
    return try StoreFailure.reading { () throws(DatabaseError) in
      var found: [StoredRow] = []
      while try page.step() {
        found.append(
          StoredRow(kind: UInt8(clamping: page.integer(0)), text: page.text(1), body: Array(page.bytes(2))))
      }
      return found
    }
  }

  private func write(_ changes: MovedPartition.Changes, from partition: PartitionID) throws(StoreFailure) {
    try writing { () throws(DatabaseError) in
      for (place, row, expiry) in changes.added {
        insert.bind(1, StoreFile.number(of: PartitionID(partition.service, place)))
        insert.bind(2, Int64(row.kind))
        insert.bind(3, row.text)
        if let expiry { insert.bind(4, expiry) } else { insert.bindNull(4) }
        insert.bind(5, GrowthPlan.firstOffset)
        try insert.run(binding: 6, to: row.body, row.body.indices)
      }
      for row in changes.gone {
        delete.bind(1, StoreFile.number(of: partition))
        delete.bind(2, Int64(row.kind))
        delete.bind(3, row.text)
        try delete.run()
      }
    }
  }

  private func write(
    _ header: CheckpointHeader?, _ totals: StoreTotals, of partition: PartitionID
  ) throws(StoreFailure) {
    try writing { () throws(DatabaseError) in
      writeHeader.bind(1, StoreFile.number(of: partition))
      guard let header else {
        writeHeader.bindNull(2)
        try writeHeader.run()
        return
      }
      var bytes: [UInt8] = []
      CheckpointCodec.encode(header, totals: totals, into: &bytes)
      try writeHeader.run(binding: 2, to: bytes, bytes.indices)
    }
  }
}
