import Foundation
import Model
import PartitionCore
import Ports
import TestSupport
import Testing

@testable import Postgres

/// An owner that is stopped in the middle of a transaction (a debugger, a paused machine) keeps its partition's row.
@Suite struct StoppedOwnerTests {
  /// How long a successor waits at most.
  private static let bound = Duration.seconds(8)

  private func acquire(_ fixture: Fixture) throws -> (Ownership, Duration) {
    let successor = try fixture.open()
    defer { successor.close() }
    let clock = ContinuousClock()
    let start = clock.now
    let ownership = try successor.acquire(stock)
    return (ownership, clock.now - start)
  }

  @Test func anOpenTransactionDoesNotBlockTheSuccessor() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    let stopped = try Session.open(
      try ConnectionString(fixture.connection), .stock, PostgresIdentity(cluster: "test", partitionCount: 4),
      PostgresOptions())
    try stopped.perform { stopped throws(PostgresFailure) in
      try stopped.send(.begin)
      try stopped.send(text: "UPDATE kassa.checkpoints SET log_offset = 9 WHERE partition = 1")
    }
    let (ownership, wait) = try acquire(fixture)
    #expect(ownership.epoch == epoch + 1 && ownership.recovery.header?.offset == 1)
    #expect(wait < Self.bound, "\(wait)")
    #expect(eventually { !stopped.isAlive() }, "the server ended it")
    store.close()
  }

  /// The server has the beginning of a checkpoint, and waits for the rest of a statement.
  @Test func halfOfACheckpointDoesNotBlockTheSuccessor() throws {
    let fixture = try Fixture()
    let proxy = try CuttingProxy(socketPath: fixture.server.socketPath)
    let store = try fixture.open(via: fixture.connection(through: proxy)) { $0.writerCount = 1 }
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    proxy.set(.stallInRequest)
    let late = store.startWrite(batch(2, (0..<40_000).map { (item("\($0)"), units(2)) }), epoch: epoch)
    #expect(eventually { proxy.faultsMet == 1 })
    let isLocked =
      "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
      + "WHERE a.datname = current_database() AND l.mode = 'RowExclusiveLock' AND a.pid <> pg_backend_pid()"
    #expect(eventually { (try? fixture.sql(isLocked)) != "0" }, "it holds the row")
    let (ownership, wait) = try acquire(fixture)
    #expect(ownership.epoch == epoch + 1 && ownership.recovery.header?.offset == 1)
    #expect(wait < Self.bound, "\(wait)")
    // It goes on, finds its connection gone, looks what became of the checkpoint, and hears of the new owner.
    #expect(failure { try late.get() }?.code == .fenced)
    #expect(try fixture.sql("SELECT count(*) FROM kassa.entities") == "1")
    store.close()
    proxy.end()
  }

  /// A checkpoint of many steps is whole, and one that is refused in the middle leaves nothing.
  @Test func aCheckpointOfManyStepsIsOneTransaction() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    let rows = (0..<10_000).map { (item("\($0)"), units(1) as Entity?) }
    try store.writeNow(batch(1, rows), epoch: epoch)
    #expect(try fixture.sql("SELECT count(*), count(DISTINCT xmin::text) FROM kassa.entities") == "10000|1")
    try fixture.sql("ALTER TABLE kassa.entities ADD CONSTRAINT no_poison CHECK (key <> '5x')")
    let changed = rows.map { ($0.0, units(2) as Entity?) }
    let refusal = failure { try store.writeNow(batch(2, changed + [(item("5x"), units(2))]), epoch: epoch) }
    #expect(refusal?.code == .write && refusal?.message.contains("no_poison") == true)
    #expect(try fixture.sql("SELECT turn, log_offset FROM kassa.checkpoints") == "1|1")
    #expect(try Set(store.loadNow(rows.map(\.0), epoch: epoch)) == [units(1)])
    try store.writeNow(batch(3, changed), epoch: epoch)
    #expect(try Set(store.loadNow(rows.map(\.0), epoch: epoch)) == [units(2)])
    store.close()
  }
}
