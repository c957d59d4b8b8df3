import Model
import PartitionCore
import Ports
import TestSupport
import Testing

@testable import Postgres

/// Messages and replies that nobody has acknowledged, where a server loses answers, refuses, or is set back.
@Suite struct UnsentTests {
  private let fixture: Fixture
  private let proxy: CuttingProxy
  private let store: PostgresStore
  private let epoch: UInt64

  init() throws {
    fixture = try Fixture()
    proxy = try CuttingProxy(socketPath: fixture.server.socketPath)
    store = try fixture.open(via: fixture.connection(through: proxy)) {
      $0.writerCount = 1
      $0.idleMillisecondsMax = 1_000
    }
    epoch = try store.acquire(stock).epoch
    try store.writeNow(checkpoint(10, messages(1...3), [reply(1), reply(2)]), epoch: epoch)
  }

  private func end() {
    store.close()
    proxy.end()
  }

  private func rows() throws -> String {
    let numbers = "SELECT string_agg(number::text, ',' ORDER BY destination, number) FROM kassa.outbox"
    let places = "SELECT string_agg(place::text, ',' ORDER BY place) FROM kassa.replies"
    return try fixture.sql("SELECT (\(numbers)), (\(places))")
  }

  @Test func onlyWhatChangedIsWritten() throws {
    #expect(try rows() == "1,2,3|0,1")
    try fixture.sql("UPDATE kassa.outbox SET body = '\\x00'; UPDATE kassa.replies SET body = '\\x00'")
    try store.writeNow(checkpoint(11, messages(2...4), [reply(2), reply(3)]), epoch: epoch)
    #expect(try rows() == "2,3,4|1,2")
    #expect(try fixture.sql("SELECT count(*) FROM kassa.outbox WHERE body = '\\x00'") == "2")
    #expect(try fixture.sql("SELECT count(*) FROM kassa.replies WHERE body = '\\x00'") == "1")
    end()
  }

  /// Tools read them page by page, and as of the moment that they hold.
  @Test(arguments: [2, 3, 4])
  func aReaderHasThemAll(rowsMax: Int) throws {
    var options = PostgresOptions()
    options.batchRowsMax = rowsMax
    let reader = try PostgresStoreReader(fixture.connection, service: .stock, options: options)
    #expect(try reader.outbox(of: stock) == messages(1...3))
    #expect(try reader.outbox(of: PartitionID(.stock, 2)).isEmpty)
    try reader.holdMoment()
    #expect(try reader.outbox(of: stock) == messages(1...3))
    try store.writeNow(checkpoint(11, messages(2...9), []), epoch: epoch)
    #expect(try reader.outbox(of: stock) == messages(1...3))
    #expect(try PostgresStoreReader(fixture.connection, service: .stock).outbox(of: stock) == messages(2...9))
    end()
  }

  /// Whatever becomes of a checkpoint whose answer is lost, the next ones know what is there.
  /// - Parameter passing: 0 for the rows, 1 for the header and the commit.
  @Test(arguments: [CuttingProxy.Fault.cutAtRequest, .cutAtAnswer, .holdRequest], [0, 1])
  func aLostAnswerIsSettled(_ fault: CuttingProxy.Fault, _ passing: Int) throws {
    proxy.set(fault, passing: passing)
    try store.writeNow(checkpoint(11, messages(2...5), [reply(2), reply(3)]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    #expect(try rows() == "2,3,4,5|1,2")
    try store.writeNow(checkpoint(12, messages(5...6), [reply(3)]), epoch: epoch)
    if fault == .holdRequest {
      proxy.deliverHeld()
      #expect(eventually { proxy.lateAnswer.contains(passing == 0 ? "UPDATE 0" : "idle-in-transaction") })
    }
    #expect(try rows() == "5,6|2")
    let recovery = try store.acquire(stock).recovery
    #expect(recovery.outbox == messages(5...6) && recovery.replies == [reply(3)])
    end()
  }

  @Test func aRefusedCheckpointLeavesThemAsTheyWere() throws {
    try fixture.sql("ALTER TABLE kassa.replies ADD CONSTRAINT few CHECK (place < 3)")
    let replies = (2...6).map { reply($0) }
    #expect(failure { try store.writeNow(checkpoint(11, messages(3...4), replies), epoch: epoch) }?.code == .write)
    #expect(try rows() == "1,2,3|0,1")
    try fixture.sql("ALTER TABLE kassa.replies DROP CONSTRAINT few")
    try store.writeNow(checkpoint(11, messages(3...4), replies), epoch: epoch)
    #expect(try rows() == "3,4|1,2,3,4,5")
    end()
  }

  @Test func anOwnerThatIsSetBackWritesNone() throws {
    try fixture.saveTables()
    try store.writeNow(checkpoint(11, messages(2...5), [reply(3)]), epoch: epoch)
    try fixture.setBackTables()
    let refusal = failure { try store.writeNow(checkpoint(12, messages(4...6), [reply(4)]), epoch: epoch) }
    #expect(refusal?.code == .setBack)
    #expect(try rows() == "1,2,3|0,1")
    let anew = try store.acquire(stock, above: epoch)
    #expect(anew.recovery.outbox == messages(1...3) && anew.recovery.replies == [reply(1), reply(2)])
    // On top of what is there now.
    try store.writeNow(checkpoint(13, messages(3...6), [reply(2), reply(4)]), epoch: anew.epoch)
    #expect(try rows() == "3,4,5,6|1,2")
    end()
  }

  @Test func anOwnerThatWasReplacedWritesNone() throws {
    let other = try fixture.open()
    let ownership = try other.acquire(stock)
    #expect(failure { try store.writeNow(checkpoint(11, messages(3...9), []), epoch: epoch) }?.code == .fenced)
    #expect(try rows() == "1,2,3|0,1")
    try other.writeNow(checkpoint(11, messages(3...3), []), epoch: ownership.epoch)
    #expect(try rows() == "3|")
    other.close()
    end()
  }

  @Test(arguments: [
    ("UPDATE kassa.outbox SET body = '\\xff' WHERE number = 2", "message 2"),
    ("UPDATE kassa.outbox SET destination = 32000 WHERE number = 2", "partition 32000"),
    ("UPDATE kassa.outbox SET number = -5 WHERE number = 2", "message -5"),
    ("UPDATE kassa.replies SET body = '\\xff' WHERE place = 1", "place 1"),
    ("UPDATE kassa.replies SET place = 9223372036854775807 WHERE place = 1", "place 9223372036854775807"),
  ])
  func namesWhatIsDamaged(_ damage: String, _ words: String) throws {
    try fixture.sql(damage)
    let refusal = failure { _ = try store.acquire(stock) }
    #expect(refusal?.code == .format && refusal?.message.contains(fixture.database) == true)
    let reader = try PostgresStoreReader(fixture.connection, service: .stock)
    let told = failure { _ = try reader.outbox(of: stock) }
    #expect(told?.message.contains(words) == (words.hasPrefix("place") ? nil : true), "\(told as Any)")
    for word in ["stock-1", words] { #expect(refusal?.message.contains(word) == true, "\(refusal as Any)") }
    #expect(try store.acquire(PartitionID(.stock, 2)).epoch == 1, "the other partitions go on")
    end()
  }

  // MARK: What they look like

  private func messages(_ numbers: ClosedRange<UInt64>) -> [OutboxRow] {
    numbers.map { number in
      OutboxRow(
        destination: PartitionID(.orders, 3), number: number,
        message: .paid(AttemptID(order: OrderID(unchecked: "o\(number)"), number: 1)))
    }
  }

  private func reply(_ number: UInt64) -> CommandReply {
    .outcome(Reply(request: RequestID(incarnation: 5, lane: 1, number: number), outcome: .done))
  }

  private func checkpoint(_ offset: Int64, _ outbox: [OutboxRow], _ replies: [CommandReply]) -> CheckpointBatch {
    CheckpointBatch(header: batch(offset, []).header, changes: [], outbox: outbox, replies: replies)
  }
}
