import Foundation
import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing

/// A database that holds less than it acknowledged: failed over to a replica that lagged, or restored under pods that
/// run.
@Suite struct SetBackTests {
  let fixture: Fixture
  let proxy: CuttingProxy
  let store: PostgresStore
  let epoch: UInt64

  /// One checkpoint that a copy has, and one that it lacks.
  init() throws {
    fixture = try Fixture()
    proxy = try CuttingProxy(socketPath: fixture.server.socketPath)
    store = try fixture.open(via: fixture.connection(through: proxy)) { $0.writerCount = 1 }
    epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(10, [(item("a"), units(1)), (item("b"), units(1))]), epoch: epoch)
    try fixture.saveTables()
    try store.writeNow(batch(20, [(item("a"), units(2))]), epoch: epoch)
  }

  private func end() {
    store.close()
    proxy.end()
  }

  private func rows() throws -> String {
    try fixture.sql("SELECT turn, log_offset FROM kassa.checkpoints")
  }

  /// Names where, what, what was expected and found, and the next step. A busy machine may need more than one turn for
  /// the second checkpoint.
  private func isWhole(_ failure: StoreFailure?) -> Bool {
    let words = [
      fixture.database, "stock-1", "epoch 1, turn ", ", offset 20 was acknowledged", "holds epoch 1, turn 1, offset 10",
      "docs/backup.md#fail-over",
    ]
    return failure?.code == .setBack && words.allSatisfy { failure?.message.contains($0) == true }
  }

  /// The owner goes on from what is there, once it has acquired it.
  private func takeOver() throws {
    let anew = try store.acquire(stock, above: epoch)
    #expect(anew.epoch > epoch && anew.recovery.header?.offset == 10)
    try store.writeNow(batch(40, [(item("a"), units(4))]), epoch: anew.epoch)
    #expect(try store.loadNow([item("a"), item("b")], epoch: anew.epoch) == [units(4), units(1)])
  }

  /// The server dies under a commit, and another one, which lags, takes its place.
  @Test(arguments: [CuttingProxy.Fault.cutAtRequest, .cutAtAnswer], [0, 1])
  func aCheckpointOfUnknownFateDoesNotLandOnOlderRows(_ fault: CuttingProxy.Fault, _ passing: Int) throws {
    proxy.set(fault, passing: passing)
    let late = store.startWrite(batch(30, [(item("b"), units(3))]), epoch: epoch)
    #expect(eventually { proxy.faultsMet == 1 })
    proxy.setOpen(false)
    try fixture.setBackTables()
    proxy.setOpen(true)
    #expect(late.isWhole(isWhole))
    #expect(try rows() == "1|10")
    #expect(store.counters.setBack == 1 && store.counters.fencedWrites == 0)
    try takeOver()
    end()
  }

  @Test func aCheckpointDoesNotLandOnOlderRows() throws {
    try fixture.setBackTables()
    #expect(isWhole(failure { try store.writeNow(batch(30, [(item("b"), units(3))]), epoch: epoch) }))
    #expect(try rows() == "1|10")
    #expect(store.counters.setBack == 1 && store.counters.fencedWrites == 0)
    try takeOver()
    end()
  }

  @Test func aLoadDoesNotBelieveOlderRows() throws {
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(2)])
    try fixture.setBackTables()
    #expect(isWhole(failure { _ = try store.loadNow([item("a")], epoch: epoch) }))
    #expect(store.counters.setBack == 1 && store.counters.fencedLoads == 0)
    try takeOver()
    end()
  }

  /// Copies from before the owner acquired the partition, or from before anybody did.
  @Test(arguments: [
    ("UPDATE kassa.checkpoints SET epoch = 0, turn = 7", "holds epoch 0, turn 7"),
    ("DELETE FROM kassa.checkpoints", "has no row of it"),
  ])
  func aCopyFromBeforeTheOwnerIsNoticed(_ change: String, _ words: String) throws {
    try fixture.sql(change)
    let write = failure { try store.writeNow(batch(30, [(item("b"), units(3))]), epoch: epoch) }
    let load = failure { _ = try store.loadNow([item("a")], epoch: epoch) }
    for refusal in [write, load] { #expect(refusal?.code == .setBack && refusal?.message.contains(words) == true) }
    #expect(try fixture.sql("SELECT count(*) FROM kassa.entities WHERE log_offset = 30") == "0")
    #expect(store.counters.setBack == 2)
    end()
  }

  /// A newer owner is none of that.
  @Test func anOwnerThatWasReplacedIsNotSetBack() throws {
    let other = try fixture.open()
    _ = try other.acquire(stock)
    #expect(failure { try store.writeNow(batch(30, []), epoch: epoch) }?.code == .fenced)
    #expect(failure { _ = try store.loadNow([item("a")], epoch: epoch) }?.code == .fenced)
    #expect(store.counters.setBack == 0)
    other.close()
    end()
  }

  /// Partitions that share a transaction are told each for itself.
  @Test func onlyWhatIsMissingIsRefused() throws {
    let partitions = (UInt16(0)..<4).map { PartitionID(.stock, $0) }
    let epochs = try partitions.map { try store.acquire($0).epoch }
    for (place, partition) in partitions.enumerated() {
      try store.writeNow(batch(21, [], of: partition), epoch: epochs[place])
    }
    let other = try fixture.open()
    _ = try other.acquire(partitions[3])
    try fixture.sql("UPDATE kassa.checkpoints SET turn = 0, log_offset = 20 WHERE partition = 1")
    let answers = try fixture.writeGrouped(partitions.map { batch(22, [], of: $0) }, epochs, to: store)
    let codes = answers.map { answer in failure { try answer.get() }?.code }
    #expect(codes == [nil, .setBack, nil, .fenced])
    #expect(store.counters.setBack == 1 && store.counters.fencedWrites == 1)
    other.close()
    end()
  }
}

extension Answer {
  fileprivate func isWhole(_ check: (StoreFailure?) -> Bool) -> Bool { check(failure { _ = try get() }) }
}

extension Fixture {
  private static let tables = ["checkpoints", "entities", "outbox", "replies"]

  /// Keeps a copy of what the database holds.
  func saveTables() throws {
    for table in Self.tables { try sql("CREATE TABLE saved_\(table) AS TABLE kassa.\(table)") }
  }

  /// Puts the copy in its place.
  func setBackTables() throws {
    for table in Self.tables {
      try sql("DELETE FROM kassa.\(table); INSERT INTO kassa.\(table) TABLE saved_\(table)")
    }
  }
}
