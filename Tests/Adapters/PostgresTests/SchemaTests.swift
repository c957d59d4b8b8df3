import Model
import Ports
import Synchronization
import TestSupport
import Testing
import Lanes

@testable import Postgres

private final class Results: Sendable {
  private let found = Mutex<[PostgresFailure?]>([])
  func add(_ failure: PostgresFailure?) { found.withLock { $0.append(failure) } }
  var all: [PostgresFailure?] { found.withLock { $0 } }
}

/// Whose database it is, and who makes its tables.
@Suite struct SchemaTests {
  @Test func racingStoresMakeEachStepOnce() throws {
    let fixture = try Fixture()
    let options = PostgresOptions()
    let target = try ConnectionString(fixture.connection)
    let results = Results()
    let steps = Schema.steps + [["CREATE TABLE kassa.later (x int8)", "SELECT pg_sleep(0.2)"]]
    let identity = PostgresIdentity(cluster: "test", partitionCount: 4)
    let threads = (0..<4).map { _ in
      BackgroundThread("test-schema") {
        do throws(PostgresFailure) {
          try Schema.prepare(try Connection(target, options), service: .stock, identity, steps: steps)
          results.add(nil)
        } catch {
          results.add(error)
        }
      }
    }
    for thread in threads { try #require(thread).join() }
    #expect(results.all == [nil, nil, nil, nil])
    #expect(try fixture.sql("SELECT version FROM kassa.schema_versions ORDER BY 1") == "1\n2\n3\n4")
    #expect(try fixture.sql("SELECT cluster, service, partition_count FROM kassa.identity") == "test|stock|4")
  }

  @Test func anOlderSchemaIsUpgradedAndKeepsItsRows() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    store.close()
    let connection = try Connection(try ConnectionString(fixture.connection), PostgresOptions())
    let identity = PostgresIdentity(cluster: "test", partitionCount: 4)
    let steps = Schema.steps + [["ALTER TABLE kassa.entities ADD COLUMN extra int8"]]
    try Schema.prepare(connection, service: .stock, identity, steps: steps)
    #expect(try fixture.sql("SELECT key, extra IS NULL FROM kassa.entities") == "a|t")
    #expect(try Schema.state(connection).version == Int64(Schema.version) + 1)
  }

  /// Its offsets would be taken for numbers of records, and its topics hold what no pod reads any more.
  @Test func aDatabaseOfABuildBeforeOneWriterIsRefused() throws {
    let fixture = try Fixture()
    let connection = try Connection(try ConnectionString(fixture.connection), PostgresOptions())
    let identity = PostgresIdentity(cluster: "test", partitionCount: 4)
    try Schema.prepare(connection, service: .stock, identity, steps: Array(Schema.steps.prefix(2)))
    try fixture.sql("INSERT INTO kassa.checkpoints VALUES (1, 3, 7, 7, '\\x0a0408021001100e180920013200', now())")
    let store = try fixture.open()
    let refusal = failure { _ = try store.acquire(stock) }
    #expect(refusal?.message.contains("schema 2, of a build in which several pods wrote") == true, "\(refusal as Any)")
    store.close()
    #expect(try fixture.sql("SELECT max(version) FROM kassa.schema_versions") == "2")
    #expect(try fixture.sql("SELECT epoch FROM kassa.checkpoints") == "3")
  }

  @Test func aStepThatFailsLeavesNothing() throws {
    let fixture = try Fixture()
    let connection = try Connection(try ConnectionString(fixture.connection), PostgresOptions())
    let identity = PostgresIdentity(cluster: "test", partitionCount: 4)
    let steps = Schema.steps + [["CREATE TABLE kassa.later (x int8)", "SELECT 1 / 0"]]
    #expect(throws: PostgresFailure.self) { try Schema.prepare(connection, service: .stock, identity, steps: steps) }
    #expect(try fixture.sql("SELECT to_regclass('kassa.entities') IS NULL, to_regnamespace('kassa') IS NULL") == "t|t")
    let store = try fixture.open()
    #expect(try store.acquire(stock).epoch == 1)
    store.close()
  }

  @Test(arguments: [
    ("UPDATE kassa.schema_versions SET version = version + 8", "schema 11"),
    ("UPDATE kassa.identity SET cluster = 'elsewhere'", "cluster 'elsewhere'"),
    ("UPDATE kassa.identity SET service = 'orders'", "service 'orders'"),
    ("UPDATE kassa.identity SET partition_count = 64", "64 partitions"),
    ("DELETE FROM kassa.identity", "whose they are"),
  ])
  func refusesADatabaseThatIsNotItsOwn(_ change: String, _ words: String) throws {
    let fixture = try Fixture()
    let first = try fixture.open()
    let epoch = try first.acquire(stock).epoch
    try first.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    first.close()
    try fixture.sql(change)
    let store = try fixture.open()
    let failures = [
      failure { _ = try store.acquire(stock) }, failure { try store.writeNow(batch(2, []), epoch: epoch) },
      failure { _ = try store.loadNow([item("a")], epoch: epoch) },
    ]
    for failure in failures {
      #expect(failure?.code == .format && failure?.message.contains(words) == true, "\(String(describing: failure))")
      #expect(failure?.message.contains(fixture.database) == true)
    }
    #expect(!store.status.isConnected && store.status.failure?.contains(words) == true)
    store.close()
    #expect(try fixture.sql("SELECT log_offset FROM kassa.checkpoints") == "1", "nothing was changed")
  }

  @Test func refusesAnotherEncoding() throws {
    let fixture = try Fixture(nil, "ENCODING 'LATIN1' TEMPLATE template0")
    let store = try fixture.open()
    let refusal = failure { _ = try store.acquire(stock) }
    #expect(refusal?.message.contains("ENCODING 'UTF8'") == true)
    store.close()
  }

  @Test func refusesPartitionsThatItDoesNotHold() throws {
    let store = try Fixture().open()
    for partition in [PartitionID(.orders, 1), PartitionID(.stock, 4), PartitionID(.stock, .max)] {
      #expect(failure { _ = try store.acquire(partition) }?.code == .format)
      #expect(failure { try store.writeNow(batch(1, [], of: partition), epoch: 1) }?.code == .format)
      #expect(failure { _ = try store.loadNow([item("a")], of: partition, epoch: 1) }?.code == .format)
    }
    store.close()
  }

  /// An operator may make the schema for a role that may make none.
  @Test func needsNoMoreThanItsOwnSchema() throws {
    let fixture = try Fixture()
    try fixture.sql("CREATE SCHEMA kassa AUTHORIZATION \(PostgresServer.role)")
    try fixture.sql("ALTER DATABASE \(fixture.database) OWNER TO admin")
    let store = try fixture.open()
    #expect(try store.acquire(stock).epoch == 1)
    store.close()
  }
}
