import Foundation
import HTTPServer
import Kafka
import Lanes
import LoadGenerator
import Model
import OperatorClient
import Ports
import Peers
import Server
import Settings
import TestSupport
import Testing

@testable import Server

/// Where the real broker is that `Tests/KafkaIntegration/run` started.
private let broker = ProcessInfo.processInfo.environment["KASSA_TEST_KAFKA"].flatMap { Endpoint($0) }

/// With that broker; without it these do not run.
@Suite(.enabled(if: broker != nil, "Tests/KafkaIntegration/run starts its broker"), .serialized) struct BrokerSuite {
  /// Options of a pod with topics of its own, which are not made yet.
  private func options(
    prefix: String = "b\(UInt32.random(in: 0 ... .max)).", _ change: (inout ServeSettings) -> Void = { _ in }
  ) throws -> PodOptions { try PodOptions(settings(prefix: prefix, change)) }

  func settings(
    prefix: String = "b\(UInt32.random(in: 0 ... .max)).", _ change: (inout ServeSettings) -> Void = { _ in }
  ) throws -> ServeSettings {
    let address = try #require(broker)
    let server = try PostgresServer.shared()
    let databases = try (0..<3).map { _ in try server.connection(to: server.makeDatabase()) }
    return podSettings {
      $0.cluster.kafkaBrokers = [address]
      $0.cluster.kafkaPrefix = prefix
      $0.cluster.kafkaReplication = 1
      $0.cluster.postgresOrders = databases[0]
      $0.cluster.postgresStock = databases[1]
      $0.cluster.postgresPayments = databases[2]
      change(&$0)
    }
  }

  func makeTopics(_ options: PodOptions) throws {
    _ = try TopicAdministration(options.kafka).create(options.topics)
  }

  @Test func refusesTopicsThatAreNotAsNeededWithWhatMendsThem() throws {
    let missing = try options(prefix: "none.")
    let failure = #expect(throws: BootFailure.self) { try ClusterBoot.openLog(missing, Journal().log) }
    for service in Service.allCases {
      let line = "none.\(service.name): it does not exist. Fix it with:  kassa topics create --brokers"
      #expect(failure?.message.contains(line) == true, "\(failure as Any)")
    }
    let made = try options()
    try makeTopics(made)
    let other = try options(prefix: made.kafka.prefix) { $0.partitions = 8 }
    let count = #expect(throws: BootFailure.self) { try ClusterBoot.openLog(other, Journal().log) }
    #expect(count?.message.contains("it has 4 partitions, not 8") == true, "\(count as Any)")
  }

  @Test func opensAndJoinsTheGroupsOfItsServices() throws {
    let options = try options { $0.cluster.services = .stock }
    try makeTopics(options)
    let journal = Journal()
    let lanes = try ServerLanes(servingCount: 2)
    let pod = try ClusterBoot.run(options, lanes: lanes, journal.log)
    #expect(!pod.clusterID.isEmpty && pod.ownership.snapshot().pods[pod.identity.incarnation]?.name == "pod-0")
    try pod.joinGroups()
    let member = try #require(pod.members.first)
    #expect(pod.members.count == 1 && member.service == .stock)
    var events: [MembershipEvent] = []
    let all = (0..<4).map { PartitionID(.stock, $0) }
    #expect(
      eventually {
        events += member.takeEvents()
        return events.contains(.assigned(all))
      }, "\(events)")
    #expect(member.statistics.assignments == 1 && member.statistics.partitions == 4)
    #expect(try pod.store.acquire(PartitionID(.stock, 0)).epoch == 1)
    for event in events { journal.log.report(event, of: .stock) }
    #expect(journal.contains("partitions assigned", "count=4"), "\(journal.all)")
    for lane in lanes.serving + [lanes.operating] { try lane.start { false } }
    pod.leaveGroups()
    end(pod)
  }

  @Test func podsFindEachOtherByTheMap() throws {
    let first = try options { $0.cluster.role = .api }
    try makeTopics(first)
    let second = try options(prefix: first.kafka.prefix) {
      $0.cluster.role = .api
      $0.cluster.pod = "pod-1"
    }
    let journal = Journal()
    let pods = try [first, second].map { options in
      try ClusterBoot.run(options, lanes: try ServerLanes(servingCount: 2), journal.log)
    }
    #expect(pods[1].identity.incarnation > pods[0].identity.incarnation)
    for pod in pods {
      for lane in pod.lanes.serving + [pod.lanes.operating] { try lane.start { false } }
      pod.followMap()
    }
    #expect(
      eventually { pods.allSatisfy { $0.mesh.statuses.map(\.state) == [.connected] } },
      "\(pods.map(\.mesh.statuses)) \(journal.all)")
    end(pods[1])
    #expect(eventually { pods[0].mesh.statuses.isEmpty }, "who has ended in order is forgotten")
    end(pods[0])
  }

  /// A small load whose items run out, every write under a key.
  func load(on server: ClusterServer, orders: Int, seconds: Double) -> LoadConfiguration {
    var load = LoadConfiguration(scenario: .scarce, url: "http://\(server.httpEndpoint)")
    load.connections = 8
    load.warmupSeconds = 0
    load.seconds = seconds
    load.users = 20
    load.items = 20
    load.orders = orders
    load.usesIdempotencyKeys = true
    return load
  }

  @Test func aPodServesAndStartsAgainFromWhatItLeft() throws {
    let settings = try settings {
      $0.cluster.kafkaSessionMilliseconds = 2_000
      $0.operatorPort.port = StablePort.find() ?? 0
    }
    try makeTopics(try PodOptions(settings))
    for epoch in UInt64(1)...2 {
      let journal = Journal()
      let server = try ClusterServer(settings, version: "1", journal: journal.log) {}
      #expect(server.waitUntilReady(milliseconds: 20_000), "\(journal.all)")
      let load = self.load(on: server, orders: 100, seconds: 0.5)
      let report = try LoadRun(configuration: load).run()
      #expect(report.isSound, "\(report.troubles) \(journal.all)")
      let overview = try PartitionOverview(asking: settings.operatorPort, OperatorClient())
      #expect(overview.findings.isEmpty && overview.rows.count == 12, "\(overview.findings)")
      #expect(overview.rows.allSatisfy { $0.owner == "pod-0" && $0.figures != nil && $0.epoch == epoch })
      server.stop()
      #expect(journal.contains(" info ", "partitions assigned") && !journal.contains(" error "), "\(journal.all)")
    }
  }

  /// One pod takes the requests and owns nothing, the other owns everything and takes none.
  @Test func aPodThatOnlyTakesRequestsIsAnsweredByOneThatOnlyOwns() throws {
    let owning = try settings {
      $0.cluster.role = .owner
      $0.cluster.pod = "owner-0"
      $0.cluster.kafkaSessionMilliseconds = 2_000
    }
    try makeTopics(try PodOptions(owning))
    let asking = podSettings {
      $0.cluster.role = .api
      $0.cluster.pod = "api-0"
      $0.cluster.kafkaBrokers = owning.cluster.kafkaBrokers
      $0.cluster.kafkaPrefix = owning.cluster.kafkaPrefix
      $0.cluster.kafkaReplication = 1
      ($0.cluster.postgresOrders, $0.cluster.postgresStock, $0.cluster.postgresPayments) = (nil, nil, nil)
    }
    let journal = Journal()
    let owner = try ClusterServer(owning, version: "1", journal: journal.log) {}
    let api = try ClusterServer(asking, version: "1", journal: journal.log) {}
    #expect(owner.waitUntilReady(milliseconds: 20_000) && api.waitUntilReady(milliseconds: 20_000), "\(journal.all)")
    let load = self.load(on: api, orders: 100, seconds: 0.5)
    let report = try LoadRun(configuration: load).run()
    #expect(report.isSound, "\(report.troubles) \(journal.all)")
    api.stop()
    owner.stop()
    #expect(!journal.contains(" error "), "\(journal.all)")
  }

  private func end(_ pod: Pod) {
    pod.closeOnLanes()
    pod.lanes.end()
    pod.close()
  }
}
