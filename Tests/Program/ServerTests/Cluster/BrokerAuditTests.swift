import Audit
import Kafka
import LoadGenerator
import Model
import PartitionCore
import Runtime
import Server
import Settings
import Ports
import Synchronization
import TestSupport
import Testing
import Lanes

@testable import Server

/// The audit of a cluster: topics in a real broker, databases in a real server.
extension BrokerSuite {
  private func audit(_ options: PodOptions) throws -> AuditReport {
    try AuditReport(auditing: ClusterSource(options.kafka, databases: options.databases))
  }

  /// Serves some checkouts, calling `meanwhile` while they come, and ends in order.
  private func serve(_ settings: ServeSettings, meanwhile: () throws -> Void = {}) throws {
    let journal = Journal()
    let server = try ClusterServer(settings, version: "1", journal: journal.log) {}
    defer { server.stop() }
    #expect(server.waitUntilReady(milliseconds: 20_000), "\(journal.all)")
    let load = Load(self.load(on: server, orders: 200, seconds: 1))
    try meanwhile()
    let report = try load.wait()
    #expect(report.isSound, "\(report.troubles) \(journal.all)")
  }

  @Test func anAuditFindsAClusterSoundWhileItServesAndWhenItHasEnded() throws {
    let settings = try settings {
      $0.checkpointIntervalMilliseconds = 50
      // Not the default: it stands in the log.
      $0.idempotencyExpiryMilliseconds = 3_600_000
    }
    let options = try PodOptions(settings)
    try makeTopics(options)
    try serve(settings) {
      for _ in 0..<3 {
        let report = try audit(options)
        #expect(report.isSound, "\(report.findings)")
      }
    }
    let report = try audit(options)
    #expect(report.isSound && report.partitionsCompared == 12 && report.partitionsTrimmed == 0, "\(report.findings)")
    #expect(report.partitionsTotalled == 12 && report.partitionsUntotalled == 0)
    #expect(report.totals.checkouts > 0 && report.totals.items == 21 && report.totals.users == 20)
    // A second owner adds its own controls, and takes over what the first left.
    try serve(settings)
    let second = try audit(options)
    #expect(second.isSound && second.totals.checkouts > report.totals.checkouts, "\(second.findings)")
    let source = try ClusterSource(options.kafka, databases: options.databases)
    let partition = PartitionID(.stock, 1)
    let offsets = try source.offsets(of: partition)
    for offset in [0, offsets.upperBound / 2, offsets.upperBound - 1] {
      #expect(try source.record(at: offset, of: partition)?.standing == .counted, "\(offset) of \(offsets)")
    }
    #expect(try source.record(at: offsets.upperBound, of: partition) == nil)
  }

  @Test func anAuditFindsWhatWasPlanted() throws {
    let server = try PostgresServer.shared()
    let settings = try settings()
    let options = try PodOptions(settings)
    try makeTopics(options)
    try serve(settings)
    #expect(try audit(options).isSound)
    for (service, change, words) in [
      // Each row gets the contents of another one.
      (
        .stock,
        """
        UPDATE kassa.entities e SET body = o.body FROM kassa.entities o
        WHERE e.kind = 2 AND o.kind = 2 AND o.key = '0' AND e.partition <> o.partition
        """, "stock-"
      ),
      (
        .payments, "DELETE FROM kassa.entities WHERE ctid IN (SELECT ctid FROM kassa.entities WHERE kind = 4 LIMIT 1)",
        "payments-"
      ),
      (
        .payments, "DELETE FROM kassa.entities WHERE ctid IN (SELECT ctid FROM kassa.entities WHERE kind = 4 LIMIT 1)",
        "rows were changed, added or lost"
      ),
      (.orders, "UPDATE kassa.checkpoints SET header = NULL WHERE partition = 1", "rows but no checkpoint"),
      (
        .orders,
        """
        UPDATE kassa.checkpoints c SET header = o.header FROM kassa.checkpoints o
        WHERE c.partition = 1 AND o.partition = 2
        """,
        "the checkpoint of orders-1 is damaged"
      ),
    ] as [(Service, String, String)] {
      let database = try #require(Self.database(options.databases[service]))
      for name in ["entities", "checkpoints"] {
        _ = try server.sql("CREATE TABLE IF NOT EXISTS public.\(name) AS TABLE kassa.\(name)", in: database)
      }
      _ = try server.sql(change, in: database)
      do {
        let report = try audit(options)
        #expect(!report.isSound && report.findings.contains { $0.contains(words) }, "\(change): \(report.findings)")
      } catch let failure as StoreFailure {
        #expect(failure.message.contains(words), "\(change): \(failure)")
      }
      _ = try server.sql("TRUNCATE kassa.entities, kassa.checkpoints", in: database)
      for name in ["entities", "checkpoints"] {
        _ = try server.sql("INSERT INTO kassa.\(name) SELECT * FROM public.\(name)", in: database)
      }
      #expect(try audit(options).isSound, "what was planted is gone")
    }
  }

  @Test func anAuditRefusesWhatDoesNotBelongTogether() throws {
    let settings = try settings()
    let options = try PodOptions(settings)
    try makeTopics(options)
    #expect(throws: StoreFailure.self) { try audit(options) }
    try serve(settings)
    let other = try self.settings(prefix: options.kafka.prefix) {
      $0.cluster.postgresOrders = settings.cluster.postgresStock
      $0.cluster.postgresStock = settings.cluster.postgresStock
      $0.cluster.postgresPayments = settings.cluster.postgresPayments
    }
    let failure = #expect(throws: StoreFailure.self) { try audit(PodOptions(other)) }
    #expect(failure?.message.contains("belongs to the service 'stock', not to 'orders'") == true, "\(failure as Any)")
    // The databases beside topics of another prefix; then as if they were theirs, made anew.
    let empty = try self.settings {
      ($0.cluster.postgresOrders, $0.cluster.postgresStock, $0.cluster.postgresPayments) =
        (settings.cluster.postgresOrders, settings.cluster.postgresStock, settings.cluster.postgresPayments)
    }
    let emptied = try PodOptions(empty)
    try makeTopics(emptied)
    let foreign = #expect(throws: StoreFailure.self) { try audit(emptied) }
    #expect(foreign?.message.contains("belongs to the cluster") == true, "\(foreign as Any)")
    let names = "replace(cluster, '/\(options.kafka.prefix)', '/\(emptied.kafka.prefix)')"
    for connection in options.databases.values {
      let database = try #require(Self.database(connection))
      _ = try PostgresServer.shared().sql("UPDATE kassa.identity SET cluster = \(names)", in: database)
    }
    let report = try audit(emptied)
    #expect(report.findings.contains { $0.contains("its log ends before offset") }, "\(report.findings)")
  }

  /// The database's name in a connection string.
  private static func database(_ connection: String?) -> String? {
    connection?.split(separator: " ").first { $0.hasPrefix("dbname=") }.map { String($0.dropFirst("dbname=".count)) }
  }
}

/// A load on a thread of its own.
private final class Load: Sendable {
  private let box: Box
  private let thread: BackgroundThread?

  private final class Box: Sendable {
    let result = Mutex<Result<LoadReport, any Error>?>(nil)
  }

  init(_ configuration: LoadConfiguration) {
    let box = Box()
    self.box = box
    thread = BackgroundThread("load") {
      let result: Result<LoadReport, any Error> = Result { try LoadRun(configuration: configuration).run() }
      box.result.withLock { $0 = result }
    }
  }

  func wait() throws -> LoadReport {
    thread?.join()
    return try #require(box.result.withLock { $0 }).get()
  }
}
