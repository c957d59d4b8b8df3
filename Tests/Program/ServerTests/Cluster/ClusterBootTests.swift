import Ports
import Kafka
import Lanes
import Model
import OperatorAPI
import Peers
import Redis
import Server
import Settings
import Telemetry
import TestSupport
import Testing

@testable import Server

/// Opening and closing, with a PostgreSQL that is there and a Kafka that is not.
@Suite struct ClusterBootTests {
  /// Settings of a pod with three databases of its own.
  private func settings(_ change: (inout ServeSettings) -> Void = { _ in }) throws -> ServeSettings {
    let server = try PostgresServer.shared()
    let databases = try (0..<3).map { _ in try server.connection(to: server.makeDatabase()) }
    return podSettings {
      $0.cluster.postgresOrders = databases[0]
      $0.cluster.postgresStock = databases[1]
      $0.cluster.postgresPayments = databases[2]
      change(&$0)
    }
  }

  @Test func withoutABrokerThereIsNoLog() throws {
    var options = try PodOptions(podSettings())
    options.kafka.queryTimeoutMilliseconds = 200
    let failure = #expect(throws: BootFailure.self) { try ClusterBoot.openLog(options, Journal().log) }
    #expect(failure?.setting == "kafka-brokers")
    #expect(failure?.message.hasPrefix("the brokers at 127.0.0.1:1 do not report") == true, "\(failure as Any)")
  }

  @Test func eachServiceHasItsOwnDatabase() throws {
    let open = try OpenPod(settings())
    #expect(Set(open.pod.stores.keys) == Set(Service.allCases))
    for service in Service.allCases { #expect(try open.pod.store.acquire(PartitionID(service, 3)).epoch == 1) }
    #expect(try open.pod.store.acquire(PartitionID(.stock, 3)).epoch == 2)
    open.pod.abandon()
  }

  @Test func aDatabaseOfAnotherClusterIsRefused() throws {
    let settings = try settings()
    let first = try OpenPod(settings)
    _ = try first.pod.store.acquire(PartitionID(.orders, 0))
    first.pod.abandon()
    var neighbour = settings
    neighbour.cluster.kafkaPrefix = "trial."
    // One after the other: they have the same port for peers.
    for (settings, cluster) in [(settings, "cluster-2"), (neighbour, "cluster-1")] {
      let other = try OpenPod(settings, cluster: cluster)
      #expect { try other.pod.store.acquire(PartitionID(.orders, 0)) } throws: {
        ($0 as? StoreFailure)?.code == .format
      }
      other.pod.abandon()
    }
  }

  /// Its names reach the limit of Kafka's.
  @Test func theLongestPrefixMakesACluster() throws {
    let open = try OpenPod(
      settings { $0.cluster.kafkaPrefix = String(repeating: "p", count: 200) },
      cluster: String(repeating: "k", count: 22))
    #expect(open.pod.clusterID.utf8.count == 223)
    open.pod.abandon()
  }

  @Test func aPodThatOnlyTakesRequestsNeedsNoDatabase() throws {
    let open = try OpenPod(
      podSettings {
        $0.cluster.role = .api
        ($0.cluster.postgresOrders, $0.cluster.postgresStock, $0.cluster.postgresPayments) = (nil, nil, nil)
      })
    #expect(open.pod.stores.isEmpty && open.pod.members.isEmpty)
    try open.pod.joinGroups()
    #expect(open.pod.members.isEmpty)
    open.pod.abandon()
  }

  /// What waits for brokers waits at the same time, and not for ever.
  @Test func aPodWhoseKafkaIsAwayLeavesItsGroupsInTime() throws {
    let open = try OpenPod(settings())
    try open.pod.joinGroups()
    #expect(open.pod.members.count == 3)
    try open.start()
    let clock = ContinuousClock()
    let start = clock.now
    open.pod.leaveGroups()
    #expect(clock.now - start < .milliseconds(open.pod.options.kafka.closeTimeoutMilliseconds + 5_000))
    open.end()
  }

  @Test func pricesAreInMemoryOrOnTheLanes() throws {
    let memory = try OpenPod(settings())
    #expect(memory.pod.prices.count == 2 && memory.pod.prices.allSatisfy { $0 is MemoryPriceCache })
    #expect(memory.pod.prices[0] === memory.pod.prices[1])
    memory.pod.abandon()
    let redis = try OpenPod(settings { $0.cluster.redis = "redis://127.0.0.1:1" })
    #expect(redis.pod.prices.count == 2 && redis.pod.prices.allSatisfy { $0 is RedisPriceCache })
    #expect(redis.pod.prices[0] !== redis.pod.prices[1])
    try redis.start()
    redis.end()
  }

  /// Something else may fail before or after the lanes are started.
  @Test(arguments: [false, true]) func aPodThatCannotServeIsGoneWhole(isStarted: Bool) throws {
    let settings = try settings { $0.cluster.redis = "redis://127.0.0.1:1" }
    for _ in 0..<2 {
      let open = try OpenPod(settings)
      if isStarted { try open.start() }
      open.pod.abandon()
      #expect(throws: StoreFailure.self) { try open.pod.store.acquire(PartitionID(.stock, 0)) }
      #expect(open.pod.ownership.snapshot().pods.isEmpty)
    }
  }

  @Test func eachRefusalNamesItsSetting() throws {
    let first = try OpenPod(settings())
    let port = first.pod.options.peers.port
    for (setting, words, change) in [
      ("peers", "cannot listen at tcp://127.0.0.1:\(port)", { $0.cluster.peers.port = port }),
      ("postgres-stock", "libpq cannot parse", { $0.cluster.postgresStock = "hush hush=" }),
      ("peers", "needs certificates", { $0.cluster.peers.host = "0.0.0.0" }),
    ] as [(String, String, (inout ServeSettings) -> Void)] {
      let failure = #expect(throws: BootFailure.self) { try OpenPod(settings(change)) }
      #expect(failure?.setting == setting && failure?.message.contains(words) == true, "\(failure as Any)")
      #expect(failure?.description.contains("hush") == false)
    }
    first.pod.abandon()
  }

  @Test func addsItsMetricsAndItsPage() throws {
    let open = try OpenPod(settings { $0.cluster.redis = "redis://127.0.0.1:1" })
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    open.pod.extend(&sources)
    #expect(sources.pages.map(\.path.description) == ["/peers", "/owners"])
    #expect(sources.pod == OperatorPod(name: "pod-0", incarnation: 1))
    #expect(String(decoding: sources.pages[0].body(), as: UTF8.self).contains("\"pod\":\"pod-0\""))
    var text = PrometheusText()
    for write in sources.metrics { write(&text) }
    let page = String(decoding: text.bytes, as: UTF8.self)
    let ingest = Set(Metric.ofIngest.map(\.name.description))
    for metric in Metric.ofCluster + [.logFailed] {
      let isWritten = page.contains("# TYPE \(metric.name) ")
      #expect(isWritten != ingest.contains(metric.name.description), "\(metric.name): there is no ingest here")
    }
    #expect(try Promtool.complaint(about: text.bytes) == nil)
    open.pod.abandon()
  }
}
