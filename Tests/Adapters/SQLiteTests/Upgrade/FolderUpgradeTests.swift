import Ports
import SQLite
import GoldenLogs
import Model
import PartitionCore
import TestSupport
import Testing
import Wire

/// A folder of version 0.1.0 is brought forward once, wherever its process was killed.
@Suite struct FolderUpgradeTests {
  /// A folder as that version left it: the first `count` records of the golden log, and nothing in the store.
  private func folder(_ log: GoldenLog, records count: Int, in parent: TemporaryFolder) throws -> String {
    let path = parent.path + "/data-\(count)"
    do {
      _ = try DataFolder(
        path: path, partitionCount: log.partitionCount, files: [FormerFile.file, FormerFile.store])
    }
    let database = try FormerFile.file.open(in: path, mode: .readWrite)
    try database.execute("BEGIN")
    let insert = try database.prepare("INSERT INTO records (sequence, partition, offset, body) VALUES (?, ?, ?, ?)")
    for (place, delivery) in log.deliveries.prefix(count).enumerated() {
      guard case .record(let record) = delivery.content else { continue }
      var body: [UInt8] = []
      RecordCodec.encode(record, into: &body)
      insert.bind(1, Int64(place + 1))
      insert.bind(2, Int64(delivery.partition.service.rawValue) << 12 | Int64(delivery.partition.index))
      insert.bind(3, delivery.offset)
      insert.bind(4, copying: body)
      try insert.run()
    }
    try database.execute("COMMIT")
    return path
  }

  private enum FormerFile {
    static let store = DatabaseFile(
      name: "store.sqlite", applicationID: 0x4b53_544f, version: 1, pageBytes: 4_096,
      schema: [
        """
        CREATE TABLE entities (
          partition INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, expiry INTEGER,
          offset INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (partition, kind, key)) WITHOUT ROWID
        """,
        "CREATE INDEX expiries ON entities (partition, expiry) WHERE expiry IS NOT NULL",
        "CREATE TABLE checkpoints (partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, header BLOB)",
      ])
    /// As version 0.1.0 made it.
    static let file = DatabaseFile(
      name: "log.sqlite", applicationID: 0x4b4c_4f47, version: 1, pageBytes: 8_192,
      schema: [
        """
        CREATE TABLE records (
          sequence INTEGER PRIMARY KEY, partition INTEGER NOT NULL, offset INTEGER NOT NULL, body BLOB NOT NULL)
        """,
        "CREATE TABLE marks (sequence INTEGER PRIMARY KEY, offsets BLOB NOT NULL)",
        """
        CREATE TABLE quarantined (
          partition INTEGER NOT NULL, offset INTEGER NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL,
          PRIMARY KEY (partition, offset)) WITHOUT ROWID
        """,
        "INSERT INTO marks (sequence, offsets) VALUES (0, x'')",
      ])
  }

  private func partitions(_ log: GoldenLog) -> [PartitionID] {
    Service.allCases.flatMap { service in (0..<log.partitionCount).map { PartitionID(service, UInt16($0)) } }
  }

  /// What the store holds, by key.
  private func entities(_ path: String, _ log: GoldenLog) throws -> [EntityKey: Entity] {
    let store = try SQLiteStoreReader(path: path)
    var found: [EntityKey: Entity] = [:]
    for partition in partitions(log) { try store.forEachEntity(of: partition) { found[$0] = $1 } }
    return found
  }

  @Test func theStateIsThatOfTheRelease() throws {
    let log = try GoldenLog("v0.1.0")
    let parent = try TemporaryFolder()
    defer { withExtendedLifetime(parent) {} }
    let path = try folder(log, records: log.deliveries.count, in: parent)
    let report = try #require(
      try FolderUpgrade.runIfNeeded(path: path, partitionCount: log.partitionCount, keepsHistory: true))
    #expect(report.recordsReplayed == log.deliveries.count && report.messagesDelivered == 0)
    var hash = StateHash()
    let store = try SQLiteStoreReader(path: path)
    let times = Dictionary(uniqueKeysWithValues: try store.headers().map { ($0.partition, $0.now) })
    for partition in partitions(log) {
      try store.forEachEntity(of: partition) { key, entity in
        // The store forgets expired keys when it pleases.
        if case .idempotency(let record) = entity, record.expiry <= times[partition] ?? .zero { return }
        hash.insert(key, entity)
      }
    }
    #expect(hash.description == log.state)
    // The log begins anew where the former one ended, and that one is kept.
    let reader = try SQLiteLogReader(path: path)
    #expect(try reader.read(after: 0, limit: 10).isEmpty)
    for partition in partitions(log) {
      let end = Int64(log.deliveries.filter { $0.partition == partition }.count)
      #expect(try reader.offsets(of: partition) == end..<end)
    }
    let copy = try Database(path: try #require(report.copy), mode: .readOnly)
    #expect(try copy.integer("SELECT count(*) FROM records") == Int64(log.deliveries.count))
    // Nothing is left to be done.
    #expect(try FolderUpgrade.runIfNeeded(path: path, partitionCount: log.partitionCount, keepsHistory: false) == nil)
  }

  /// Wherever the log breaks off, what was under way is carried to its end: no checkout stands still, and what was
  /// sold was paid.
  @Test func whatWasUnderWayIsCarriedToItsEnd() throws {
    let log = try GoldenLog("v0.1.0")
    let parent = try TemporaryFolder()
    defer { withExtendedLifetime(parent) {} }
    var delivered = 0
    for count in stride(from: 20, to: log.deliveries.count, by: 11) {
      let path = try folder(log, records: count, in: parent)
      let report = try #require(
        try FolderUpgrade.runIfNeeded(path: path, partitionCount: log.partitionCount, keepsHistory: false))
      delivered += report.messagesDelivered
      let found = try entities(path, log)
      let isParked = found.values.contains { if case .item(let item) = $0 { !item.parked.isEmpty } else { false } }
      let underWay = found.values.filter {
        if case .order(let order) = $0 { order.status == .checkingOut } else { false }
      }
      #expect(underWay.isEmpty || isParked, "after \(count) records: \(underWay)")
      let headers = try SQLiteStoreReader(path: path).headers()
      let sold = headers.filter { $0.partition.service == .orders }.reduce(0) { $0 + $1.ledger.checkoutMoney }
      let paid = headers.filter { $0.partition.service == .payments }.reduce(0) { $0 + $1.ledger.checkoutMoney }
      #expect(sold == paid, "after \(count) records")
    }
    #expect(delivered > 20)
  }

  /// A start that was killed while it kept the former log.
  @Test func anUnfinishedCopyIsMadeAgain() throws {
    let log = try GoldenLog("v0.1.0")
    let parent = try TemporaryFolder()
    defer { withExtendedLifetime(parent) {} }
    let path = try folder(log, records: 40, in: parent)
    for name in ["log-0.1.sqlite", "log-0.1.sqlite.part"] {
      let file = try Database(path: "\(path)/\(name)", mode: .create)
      try file.execute("CREATE TABLE rubbish (number INTEGER)")
    }
    let report = try #require(
      try FolderUpgrade.runIfNeeded(path: path, partitionCount: log.partitionCount, keepsHistory: true))
    let copy = try Database(path: try #require(report.copy), mode: .readOnly)
    #expect(try copy.integer("SELECT count(*) FROM records") ?? 0 >= 40)
  }

  @Test func anotherNumberOfPartitionsLeavesTheFolderAlone() throws {
    let log = try GoldenLog("v0.1.0")
    let parent = try TemporaryFolder()
    defer { withExtendedLifetime(parent) {} }
    let path = try folder(log, records: 40, in: parent)
    let count = log.partitionCount + 1
    #expect(try FolderUpgrade.runIfNeeded(path: path, partitionCount: count, keepsHistory: false) == nil)
    #expect(throws: DataFolderFailure.self) {
      try DataFolder(path: path, partitionCount: count, files: [LogFile.file, StoreFile.file])
    }
    #expect(try FormerLog.isThere(in: path))
  }

  @Test func aRecordThatCannotBeAppliedKeepsTheFolderAsItWas() throws {
    let log = try GoldenLog("v0.1.0")
    let parent = try TemporaryFolder()
    defer { withExtendedLifetime(parent) {} }
    let path = try folder(log, records: 40, in: parent)
    do {
      let database = try FormerFile.file.open(in: path, mode: .readWrite)
      try database.execute("UPDATE records SET body = x'0a02ffff' WHERE sequence = 30")
    }
    let error = #expect(throws: FolderUpgrade.Refusal.self) {
      try FolderUpgrade.runIfNeeded(path: path, partitionCount: log.partitionCount, keepsHistory: false)
    }
    #expect(error?.description.contains("`kassa quarantine` of version 0.1.0") == true, "\(String(describing: error))")
    #expect(try FormerLog.isThere(in: path))
    #expect(try SQLiteStoreReader(path: path).headers().isEmpty)
    // That version can go on with it.
    let store = try Database(path: "\(path)/store.sqlite", mode: .readOnly)
    #expect(try store.integer("PRAGMA user_version") == 1)
  }

  @Test func aNewFolderNeedsNothing() throws {
    let parent = try TemporaryFolder()
    #expect(
      try FolderUpgrade.runIfNeeded(path: parent.path + "/none", partitionCount: 2, keepsHistory: false) == nil)
  }
}
