import Foundation
import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing
import Lanes

/// A server that is not there, ends, and comes back.
@Suite struct ServerAwayTests {
  @Test func whatWasAcknowledgedOutlivesACrashAndWorkContinues() throws {
    let fixture = try Fixture(PostgresServer())
    let store = try fixture.open {
      $0.loadWaitMilliseconds = 100
      $0.writeWaitMilliseconds = 300
    }
    let epoch = try store.acquire(stock).epoch
    for round in Int64(1)...20 {
      try store.writeNow(batch(round, [(item("a"), units(round)), (item("\(round)"), units(round))]), epoch: epoch)
    }
    let underWay = (Int64(21)...30).map { store.startWrite(batch($0, [(item("a"), units($0))]), epoch: epoch) }
    fixture.server.crash()
    let load = failure { _ = try store.loadNow([item("a")], epoch: epoch) }
    #expect(load?.code == .read && load?.message.contains(fixture.database) == true)
    let write = failure { try store.writeNow(batch(31, [(item("a"), units(31))]), epoch: epoch) }
    #expect(write?.code == .write)
    #expect(eventually { !store.status.isConnected } && store.status.failure != nil)
    try fixture.server.start()
    // Those under way get an answer when the server is there again, and it is the truth.
    let written = underWay.map { answer in failure { try answer.get() } == nil }.lastIndex(of: true)
    let seen = try store.loadNow([item("a"), item("20")], epoch: epoch)
    #expect(seen[1] == units(20))
    if let written { #expect(seen[0] == units(21 + Int64(written))) } else { #expect(seen[0] == units(20)) }
    try store.writeNow(batch(40, [(item("a"), units(40))]), epoch: epoch)
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(40)])
    #expect(eventually { store.status.isConnected } && store.status.failure == nil)
    #expect(store.counters.disconnects > 0 && store.counters.connectFailures > 0)
    store.close()
  }

  @Test func anOwnerThatStartsFirstWaits() throws {
    let fixture = try Fixture(PostgresServer())
    fixture.server.crash()
    let store = try fixture.open { $0.acquireWaitMilliseconds = 60_000 }
    let answer = Answer<Ownership>()
    let thread = try #require(
      BackgroundThread("test-acquire") {
        do throws(StoreFailure) {
          answer.set(.success(try store.acquire(stock)))
        } catch {
          answer.set(.failure(error))
        }
      })
    #expect(eventually { store.counters.connectFailures >= 10 } && answer.count == 0)
    try fixture.server.start()
    #expect(try answer.get().epoch == 1)
    thread.join()
    store.close()
  }

  @Test func closesWhileNobodyAnswers() throws {
    let temporary = try TemporaryFolder()
    var options = PostgresOptions()
    options.acquireWaitMilliseconds = 60_000
    let store = try PostgresStore(
      "host=\(temporary.path) dbname=none", service: .stock,
      identity: PostgresIdentity(cluster: "test", partitionCount: 4), options: options)
    let answer = Answer<Ownership>()
    let thread = try #require(
      BackgroundThread("test-acquire") {
        do throws(StoreFailure) {
          answer.set(.success(try store.acquire(stock)))
        } catch {
          answer.set(.failure(error))
        }
      })
    #expect(eventually { store.counters.queuedWrites == 1 && store.counters.connectFailures > 0 })
    #expect(!store.status.isConnected && store.status.name == "PostgreSQL \(temporary.path)/none")
    store.close()
    thread.join()
    #expect(failure { _ = try answer.get() }?.code == .closed)
  }

  @Test func anOwnerLearnsThatNobodyAnswers() throws {
    let temporary = try TemporaryFolder()
    var options = PostgresOptions()
    options.acquireWaitMilliseconds = 300
    let store = try PostgresStore(
      "host=\(temporary.path) dbname=none", service: .stock,
      identity: PostgresIdentity(cluster: "test", partitionCount: 4), options: options)
    #expect(failure { _ = try store.acquire(stock) }?.code == .write)
    #expect(store.counters.queuedWrites == 0)
    store.close()
  }

  @Test func aConnectionThatEndsWhileIdleIsMadeAgain() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    #expect(eventually { store.counters.connectionsOpen == 4 })
    try fixture.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kassa' "
        + "AND datname = current_database()")
    #expect(eventually { store.counters.disconnects == 4 && store.counters.connectionsOpen == 4 })
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    #expect(store.counters.unknownCommits == 0)
    store.close()
    #expect(store.counters.connectionsOpen == 0)
  }

  /// No message tells a password, neither one from the connection string nor one from a password file.
  @Test func passwordsStayOutOfMessages() throws {
    let fixture = try Fixture(PostgresServer())
    try fixture.sql("CREATE ROLE locked LOGIN PASSWORD 'right-secret'")
    try fixture.server.requirePassword(of: "locked")
    let store = try fixture.open(
      via: fixture.server.connection(to: fixture.database, user: "locked") + " password=wrong-secret"
    ) { $0.acquireWaitMilliseconds = 50 }
    let refusal = failure { _ = try store.acquire(stock) }
    #expect(refusal?.message.contains("locked") == true, "\(String(describing: refusal))")
    #expect(refusal?.message.contains("secret") == false && store.status.failure?.contains("secret") == false)
    store.close()
    let file = try TemporaryFolder().path + ".pass"
    try "*:*:*:locked:right-secret\n".write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    try fixture.sql("GRANT CREATE ON DATABASE \(fixture.database) TO locked")
    let entered = try fixture.open(
      via: fixture.server.connection(to: fixture.database, user: "locked") + " passfile=\(file)")
    #expect(try entered.acquire(stock).epoch == 1)
    entered.close()
  }
}
