import Audit
import Embedded
import EventLog
import Model
import PartitionCore
import SQLiteFolder
import SQLiteLog
import SQLiteStore
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing

/// A folder whose one partition of payments stops twice: at an entry that cannot be applied, and at bytes that are no
/// record.
@Suite(.serialized) struct FolderQuarantineTests {
  private let folder: TemporaryFolder
  private let path: String
  private let partition = PartitionID(.payments, 0)
  private let users = ["a", "b", "c"].map { UserID(unchecked: $0) }

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
    let stranger = PartitionMessage(
      source: PartitionID(.orders, 99), position: SourcePosition(offset: 0, index: 0),
      message: .paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)))
    let records: [[Entry.Body]] = [
      [.control(.rules(version: 1))],
      [create(users[0]), .message(stranger), create(users[1])],
      [create(UserID(unchecked: "spoilt"))],
      [create(users[2])],
    ]
    let log = try SQLiteLog(
      folder: DataFolder(path: path, partitionCount: 1, files: [LogFile.file, StoreFile.file]))
    for bodies in records {
      let entries = bodies.map { Entry(time: Timestamp(milliseconds: 1), body: $0) }
      _ = try log.append(
        [Append(partition: partition, record: Record(entries: entries), isRefusable: false)], by: nil)
    }
    log.flushHint(by: nil)
    log.close()
    try LogFile.file.open(in: path, mode: .readWrite)
      .execute("UPDATE records SET body = x'0affff' WHERE offset = 2")
  }

  private func create(_ user: UserID) -> Entry.Body {
    .command(
      ClientCommand(
        request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: nil, trace: nil,
        command: .payments(.create(user, .random))))
  }

  private func quarantine(_ offset: Int64, _ name: String = "payments-0") throws -> FolderQuarantine.Report {
    try FolderQuarantine.run(path: path, partition: name, offset: offset, note: "said the operator")
  }

  private func existing() throws -> [Bool] {
    let state = try ReplayedState(FolderSource(path: path))
    return try users.map { try state.entity(.user($0), of: partition) != nil }
  }

  @Test func goesPastAnEntryAndThenPastARecord() throws {
    let first = try quarantine(1)
    #expect(first.entry == 1 && first.reason.contains("orders-99"))
    guard case .stopped(2, _) = first.status else {
      Issue.record("the partition does not stop at the next record: \(first.status)")
      return
    }
    let second = try quarantine(2)
    #expect(second.entry == nil && second.status == .running && second.newestOffset == 3)
    #expect(try existing() == [true, true, true])

    let kept = try FolderSource(path: path).quarantinedRecords(of: partition)
    #expect(kept.map(\.offset) == [1, 2] && kept[1].bytes == [0x0a, 0xff, 0xff])
    #expect(kept.allSatisfy { $0.reason.hasSuffix("(said the operator)") })
    #expect(try FolderAudit.run(path: path).isSound)
  }

  @Test func aServerGoesOnBehindIt() throws {
    _ = try quarantine(1)
    _ = try quarantine(2)
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
    let log = try SQLiteLog(folder: DataFolder(existing: path, files: [LogFile.file, StoreFile.file]))
    let entry = Entry(time: .zero, body: .control(.rules(version: Rules.current + 1)))
    let stock = PartitionID(.stock, 0)
    _ = try log.append([Append(partition: stock, record: Record(entries: [entry]), isRefusable: false)], by: nil)
    log.flushHint(by: nil)
    log.close()
    let error = #expect(throws: FolderQuarantine.Refusal.self) { try quarantine(0, "stock-0") }
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
