import Model
import PartitionCore
import SQLite
import Ports
import Synchronization
import TestSupport
import Testing

@testable import SQLite

/// Messages and replies that nobody has acknowledged, where writes fail and processes come and go.
@Suite struct UnsentTests {
  private let stock = PartitionID(.stock, 1)
  private let temporary: TemporaryFolder
  private var path: String { temporary.path + "/data" }
  private var filePath: String { path + "/store.sqlite" }

  init() throws { temporary = try TemporaryFolder() }

  private func open() throws -> SQLiteStore {
    try SQLiteStore(folder: DataFolder(path: path, partitionCount: 4, files: [StoreFile.file]))
  }

  private final class Results: Sendable {
    private let found = Mutex<[Result<Void, StoreFailure>]>([])
    func add(_ result: Result<Void, StoreFailure>) { found.withLock { $0.append(result) } }
    var all: [Result<Void, StoreFailure>] { found.withLock { $0 } }
  }

  private func write(_ batches: CheckpointBatch..., epoch: UInt64, to store: SQLiteStore) throws {
    let results = Results()
    for batch in batches { store.write(batch, epoch: epoch) { results.add($0) } }
    #expect(eventually { results.all.count == batches.count })
    for result in results.all { try result.get() }
  }

  private func messages(_ numbers: ClosedRange<UInt64>) -> [OutboxRow] {
    numbers.map { number in
      OutboxRow(
        destination: PartitionID(.payments, 3), number: number,
        message: .paid(AttemptID(order: OrderID(unchecked: "o\(number)"), number: 1)))
    }
  }

  private func reply(_ number: UInt64) -> CommandReply {
    .outcome(Reply(request: RequestID(incarnation: 5, lane: 1, number: number), outcome: .done))
  }

  private func checkpoint(
    _ offset: Int64, _ outbox: [OutboxRow] = [], _ replies: [CommandReply] = []
  ) -> CheckpointBatch {
    CheckpointBatch(
      header: CheckpointHeader(
        partition: stock, offset: offset, now: Timestamp(milliseconds: offset), rulesVersion: 1, dedup: [],
        ledger: Ledger()),
      changes: [], outbox: outbox, replies: replies)
  }

  /// What the file holds, whatever the store believes.
  private func rows() throws -> String {
    let database = try Database(path: filePath, mode: .readOnly)
    func list(_ sql: String) throws -> String {
      let statement = try database.prepare(sql)
      var words: [String] = []
      while try statement.step() { words.append("\(statement.integer(0))") }
      return words.joined(separator: ",")
    }
    let numbers = try list("SELECT number FROM outbox ORDER BY partition, destination, number")
    return try numbers + "|" + list("SELECT place FROM replies ORDER BY partition, place")
  }

  @Test func onlyWhatChangedIsWritten() throws {
    let store = try open()
    let epoch = try store.acquire(stock).epoch
    try write(checkpoint(1, messages(1...3), [reply(1), reply(2)]), epoch: epoch, to: store)
    let database = try Database(path: filePath, mode: .readWrite)
    try database.execute("UPDATE outbox SET body = x'00'; UPDATE replies SET body = x'00'")
    try write(checkpoint(2, messages(2...4), [reply(2), reply(3)]), epoch: epoch, to: store)
    #expect(try rows() == "2,3,4|1,2")
    #expect(try database.integer("SELECT count(*) FROM outbox WHERE body = x'00'") == 2)
    #expect(try database.integer("SELECT count(*) FROM replies WHERE body = x'00'") == 1)
    store.close()
  }

  /// A checkpoint that was undone is not what the next one starts from.
  @Test func aFullDiskLeavesThemAsTheyWere() throws {
    FileFaults.install()
    let store = try open()
    let epoch = try store.acquire(stock).epoch
    try write(checkpoint(1, messages(1...3), [reply(1)]), epoch: epoch, to: store)
    FileFaults.set(.full, of: .write, on: filePath + "-wal")
    #expect(throws: StoreFailure.self) {
      try write(checkpoint(2, messages(3...6), [reply(2), reply(3)]), epoch: epoch, to: store)
    }
    FileFaults.set(nil, of: .write, on: filePath + "-wal")
    #expect(try rows() == "1,2,3|0")
    try write(checkpoint(3, messages(2...4), [reply(1), reply(4)]), epoch: epoch, to: store)
    #expect(try rows() == "2,3,4|0,1")
    #expect(try store.acquire(stock).recovery.outbox == messages(2...4))
    store.close()
  }

  @Test func checkpointsOfOneTransactionFollowEachOther() throws {
    let store = try open()
    let epoch = try store.acquire(stock).epoch
    try write(
      checkpoint(1, messages(1...3), [reply(1)]), checkpoint(2, messages(3...5), [reply(1), reply(2)]),
      checkpoint(3), checkpoint(4, messages(6...6), [reply(3)]), epoch: epoch, to: store)
    #expect(try rows() == "6|0")
    let recovery = try store.acquire(stock).recovery
    #expect(recovery.outbox == messages(6...6) && recovery.replies == [reply(3)])
    store.close()
  }

  /// A process that did not acquire the partition itself looks at what is there.
  @Test func anOwnerFromBeforeTheStoreWasOpenedContinues() throws {
    let first = try open()
    let epoch = try first.acquire(stock).epoch
    try write(checkpoint(1, messages(1...3), [reply(1), reply(2)]), epoch: epoch, to: first)
    first.close()
    let second = try open()
    try write(checkpoint(2, messages(3...4), [reply(2)]), epoch: epoch, to: second)
    #expect(try rows() == "3,4|1")
    second.close()
    let third = try open()
    try write(checkpoint(3), epoch: epoch, to: third)
    #expect(try rows() == "|")
    third.close()
  }

  @Test(arguments: [
    ("UPDATE outbox SET body = x'ff' WHERE number = 2", "message 2"),
    ("UPDATE outbox SET destination = 32000 WHERE number = 2", "partition 32000"),
    ("UPDATE outbox SET number = -5 WHERE number = 2", "message -5"),
    ("UPDATE replies SET body = x'ff' WHERE place = 1", "place 1"),
    ("UPDATE replies SET place = 9223372036854775807 WHERE place = 1", "place 9223372036854775807"),
  ])
  func namesWhatIsDamaged(_ damage: String, _ words: String) throws {
    let store = try open()
    let epoch = try store.acquire(stock).epoch
    try write(checkpoint(1, messages(1...3), [reply(1), reply(2)]), epoch: epoch, to: store)
    store.close()
    try Database(path: filePath, mode: .readWrite).execute(damage)
    let again = try open()
    let failure = #expect(throws: StoreFailure.self) { _ = try again.acquire(stock) }
    #expect(failure?.code == .format)
    for word in [filePath, "stock-1", words] { #expect(failure?.message.contains(word) == true, "\(failure as Any)") }
    #expect(try again.acquire(PartitionID(.stock, 2)).epoch == 1, "the other partitions go on")
    again.close()
  }
}
