import Audit
import Server
import Ports
import Model
import PartitionCore
import SQLite
import Settings
import Streams
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A folder whose one partition of payments stops at an entry that cannot be applied.
@Suite(.serialized) struct FolderQuarantineTests {
  private let folder: TemporaryFolder
  private let path: String
  private let partition = PartitionID(.payments, 0)
  private let users = ["a", "b", "c"].map { UserID(unchecked: $0) }

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
    let stranger = command(.orders(.remove(OrderID(unchecked: "o"))))
    let records = [[create(users[0]), stranger, create(users[1])], [create(users[2])]]
    try append(records.map { ([], $0) }, to: partition)
  }

  /// The log of a first owner.
  private func append(_ records: [(controls: [Control], bodies: [LoggedInput.Body])], to partition: PartitionID) throws
  {
    let folder = try DataFolder(path: path, partitionCount: 1, files: [LogFile.file, StoreFile.file])
    let log = try SQLiteLog(folder: folder)
    defer { log.close() }
    let store = try SQLiteStore(folder: folder)
    defer { store.close() }
    let owner = OwnerID(epoch: try store.acquire(partition).epoch, run: 7)
    let owned = try #require(Owner(epoch: owner.epoch, incarnation: owner.run, address: "here"))
    let turns = records.enumerated().map { place, record in
      LogRecord.turn(
        TurnRecord(
          owner: owner, number: UInt64(place) + 1, time: Timestamp(milliseconds: 1), controls: record.controls,
          entries: record.bodies.map { LoggedInput(origin: nil, body: $0) }))
    }
    log.append(
      ([.owned(owned)] + turns).map { RecordAppend(partition: partition, record: $0) }, by: 0, expecting: [])
    log.turnEnded(by: 0)
  }

  private func create(_ user: UserID) -> LoggedInput.Body { command(.payments(.create(user, .random))) }

  private func command(_ command: Command) -> LoggedInput.Body {
    .command(
      ClientCommand(
        request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: nil, trace: nil, command: command))
  }

  private func quarantine(_ offset: Int64, _ name: String = "payments-0") throws -> FolderQuarantine.Report {
    try FolderQuarantine.run(path: path, partition: name, offset: offset, note: "said the operator")
  }

  private func existing() throws -> [Bool] {
    let state = try ReplayedState(FolderSource(path: path))
    return try users.map { try state.entity(.user($0), of: partition) != nil }
  }

  @Test func goesPastAnEntry() throws {
    #expect(try !FolderAudit.run(path: path).isSound)
    let report = try quarantine(1)
    #expect(report.entry == 1 && report.reason.contains("a command of orders in a log of payments"))
    #expect(report.status == .running && report.newestOffset == 2)
    #expect(try existing() == [true, true, true])

    let kept = try FolderSource(path: path).quarantinedRecords(of: partition)
    #expect(kept.map(\.offset) == [1] && kept.allSatisfy { $0.reason.hasSuffix("(said the operator)") })
    let audit = try FolderAudit.run(path: path)
    #expect(audit.isSound, "\(audit.findings)")
    let again = #expect(throws: FolderQuarantine.Refusal.self) { try quarantine(1) }
    #expect(again?.description.contains("not stopped") == true)
  }

  /// Nobody knows which numbers it used and what it caused, and all that follows counts on.
  @Test func refusesARecordThatCannotBeDecoded() throws {
    try LogFile.file.open(in: path, mode: .readWrite)
      .execute("UPDATE records SET body = x'0affff' WHERE partition = 2 << 12 AND offset = 2")
    let first = try quarantine(1)
    guard case .stopped(2, _) = first.status else {
      Issue.record("the partition does not stop at the next record: \(first.status)")
      return
    }
    let error = #expect(throws: FolderQuarantine.Refusal.self) { try quarantine(2) }
    #expect(error?.description.contains("cannot be decoded") == true)
    #expect(error?.description.contains("restore log and store from the same backup") == true)
    #expect(try FolderSource(path: path).quarantinedRecords(of: partition).map(\.offset) == [1])
  }

  /// A skip would not be the next one of its stream either.
  @Test func refusesAnEntryWhoseNumberIsWrong() throws {
    let shop = try HandDrivenShop(path: folder.path + "/other")
    let stock = PartitionID(.stock, 0)
    let entry = LoggedInput(
      origin: .init(source: .partition(PartitionID(.orders, 0)), number: 9),
      body: .message(.commit(AttemptID(order: OrderID(unchecked: "o"), number: 1))))
    let owner = try #require(shop.owner(of: stock))
    let record = TurnRecord(owner: owner, number: shop.number(of: stock) + 1, time: .zero, entries: [entry])
    let offset = try #require(try shop.append([.turn(record)], to: stock).last)
    shop.close()
    let error = #expect(throws: FolderQuarantine.Refusal.self) {
      try FolderQuarantine.run(path: shop.path, partition: "stock-0", offset: offset, note: "")
    }
    #expect(error?.description.contains("no entry of stock-0 can be set aside") == true, "\(error as Any)")
  }

  @Test func aServerGoesOnBehindIt() throws {
    _ = try quarantine(1)
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = path
    settings.lanes = 1
    settings.partitions = 1
    // The log's records are of 1970.
    settings.acceptedClock = .now
    let journal = Recorded()
    let server = try EmbeddedServer(settings, version: "test", journal: journal.log)
    #expect(server.waitUntilReady(milliseconds: 10_000))
    #expect(throws: DataFolderFailure.self, "a server holds the folder") { try quarantine(3) }
    server.stop()
    #expect(journal.lines.isEmpty, "\(journal.lines)")
    #expect(try existing() == [true, true, true])
  }

  @Test(arguments: [
    (Int64(0), "payments-0", "does not stop at offset 0"), (2, "payments-0", "but at 1"), (9, "payments-0", "but at 1"),
    (1, "orders-0", "not stopped"), (1, "payments-1", "no partition"),
  ])
  func refusesAnythingElse(_ offset: Int64, _ name: String, _ words: String) throws {
    let error = #expect(throws: FolderQuarantine.Refusal.self) { try quarantine(offset, name) }
    #expect(error?.description.contains(words) == true)
    #expect(try FolderSource(path: path).quarantinedRecords(of: partition).isEmpty)
  }

  @Test func leavesRulesOfANewerVersionAlone() throws {
    try append([([.rules(version: Rules.current + 1)], [])], to: PartitionID(.stock, 0))
    let error = #expect(throws: FolderQuarantine.Refusal.self) { try quarantine(1, "stock-0") }
    #expect(error?.description.contains("newer version") == true)
  }
}

/// A journal that remembers its lines.
private final class Recorded: Sendable {
  private let box = Mutex<[String]>([])
  var log: Log {
    Log(level: .error, clock: { 0 }) { line in self.box.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
  }
  var lines: [String] { box.withLock { $0 } }
}
