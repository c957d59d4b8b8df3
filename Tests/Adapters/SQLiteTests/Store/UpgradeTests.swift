import Model
import PartitionCore
import SQLite
import Ports
import Synchronization
import TestSupport
import Testing

@testable import SQLite

/// Files that a release before wrote.
@Suite struct UpgradeTests {
  /// The store's file as version 1 made it.
  private static let before = DatabaseFile(
    name: "store.sqlite", applicationID: 0x4b53_544f, version: 1, pageBytes: 4_096,
    schema: [
      """
      CREATE TABLE entities (
        partition INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, expiry INTEGER, offset INTEGER NOT NULL,
        body BLOB NOT NULL, PRIMARY KEY (partition, kind, key)) WITHOUT ROWID
      """,
      "CREATE INDEX expiries ON entities (partition, expiry) WHERE expiry IS NOT NULL",
      "CREATE TABLE checkpoints (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, header BLOB)",
    ])

  private let stock = PartitionID(.stock, 1)
  private let temporary: TemporaryFolder
  private var path: String { temporary.path + "/data" }
  private var filePath: String { path + "/store.sqlite" }

  /// One checkpoint with one item: the header is offset 7, time 9, rules 1, an empty ledger; the item has nothing.
  init() throws {
    temporary = try TemporaryFolder()
    _ = try DataFolder(path: path, partitionCount: 4, files: [Self.before])
    let database = try Database(path: filePath, mode: .readWrite)
    try database.execute("INSERT INTO checkpoints VALUES (4097, 3, x'0a0408021001100e180920013200')")
    try database.execute("INSERT INTO entities VALUES (4097, 2, 'a', NULL, 7, x'1200')")
  }

  private func version() throws -> Int64? {
    try Database(path: filePath, mode: .readOnly).integer("PRAGMA user_version")
  }

  private func open() throws -> SQLiteStore {
    try SQLiteStore(folder: DataFolder(path: path, partitionCount: 4, files: [StoreFile.file]))
  }

  @Test func toolsReadItAsItIs() throws {
    let reader = try SQLiteStoreReader(path: path)
    #expect(try reader.headers().map(\.offset) == [7])
    #expect(try reader.entity(.item(ItemID(unchecked: "a")), of: stock) == .item(Item(price: .zero)))
    #expect(try version() == 1)
  }

  @Test func itIsUpgradedAndKeepsItsRows() throws {
    let store = try open()
    #expect(try version() == 2)
    let ownership = try store.acquire(stock)
    #expect(ownership.epoch == 4 && ownership.recovery.header?.offset == 7)
    #expect(ownership.recovery.outbox.isEmpty && ownership.recovery.replies.isEmpty)
    let message = OutboxRow(
      destination: PartitionID(.orders, 3), number: 1,
      message: .paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)))
    let batch = CheckpointBatch(
      header: CheckpointHeader(
        partition: stock, offset: 8, now: Timestamp(milliseconds: 9), rulesVersion: 1, dedup: [], ledger: Ledger()),
      changes: [], outbox: [message], replies: [])
    let result = Mutex<Result<Void, StoreFailure>?>(nil)
    store.write(batch, epoch: 4) { written in result.withLock { $0 = written } }
    #expect(eventually { result.withLock { $0 != nil } })
    store.close()
    let again = try open()
    #expect(try again.acquire(stock).recovery.outbox == [message])
    again.close()
    #expect(try SQLiteStoreReader(path: path).entity(.item(ItemID(unchecked: "a")), of: stock) != nil)
  }

  @Test func aNewFileHasWhatAnUpgradedOneHas() throws {
    func tables(_ path: String) throws -> [String] {
      let statement = try Database(path: path, mode: .readOnly).prepare(
        "SELECT name || ': ' || sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
      var tables: [String] = []
      while try statement.step() { tables.append(statement.text(0)) }
      return tables
    }
    try open().close()
    let new = temporary.path + "/new"
    _ = try DataFolder(path: new, partitionCount: 4, files: [StoreFile.file])
    #expect(try tables(filePath) == tables(new + "/store.sqlite"))
    #expect(try tables(filePath).count == 5)
  }
}
