import Foundation
import Kafka
import Model
import Runtime
import Peers
import Redis
import Server
import Settings
import TestSupport
import Testing

@testable import Server

@Suite struct PodOptionsTests {
  @Test func aPodOfEverything() throws {
    let options = try PodOptions(podSettings())
    #expect(options.name == "pod-0" && options.services == Service.allCases)
    #expect(options.servedServices == Set(Service.allCases) && options.ownedServices == Service.allCases)
    #expect(Set(options.databases.keys) == Set(Service.allCases) && options.redis == nil)
    #expect(options.kafka.brokers == "127.0.0.1:1" && options.kafka.clientName == "pod-0")
    #expect(options.kafka.partitioner.count == 4 && options.kafka.heartbeatMilliseconds == 300)
    #expect(options.topics.replicationFactor == 3 && options.topics.minInsyncReplicas == 2)
    #expect(options.topics.retentionHours == 168 && options.peerCertificates == nil)
  }

  @Test(
    arguments: [
      (.all, [.orders, .stock, .payments], 3), (.api, [], 0), (.owner, [.orders, .stock, .payments], 3),
    ] as [(RoleChoice, [Service], Int)])
  func roles(_ role: RoleChoice, _ owned: [Service], _ databases: Int) throws {
    let options = try PodOptions(podSettings { $0.cluster.role = role })
    #expect(options.ownedServices == owned && options.databases.count == databases)
    #expect(options.servedServices.isEmpty == (role == .owner))
  }

  @Test(arguments: Service.allCases)
  func aPodOfOneService(_ service: Service) throws {
    let options = try PodOptions(podSettings { $0.cluster.services = ServiceChoice(service) })
    #expect(options.services == [service] && options.servedServices == [service])
    #expect(Array(options.databases.keys) == [service])
  }

  @Test func everySettingOfTheLogReachesIt() throws {
    let settings = podSettings {
      $0.cluster.kafkaBrokers = [Endpoint(host: "::1", port: 9), Endpoint(host: "k", port: 10)]
      $0.cluster.kafkaPrefix = "shop."
      $0.cluster.kafkaCommandMilliseconds = 3_000
      $0.cluster.kafkaSessionMilliseconds = 2_000
      $0.cluster.kafkaReplication = 5
      $0.cluster.kafkaMinInsync = 3
      $0.cluster.kafkaRetentionMilliseconds = 7_200_001
      $0.cluster.kafkaProperties = ["socket.timeout.ms": "7000"]
    }
    let options = try PodOptions(settings)
    #expect(options.kafka.brokers == "[::1]:9,k:10" && options.kafka.topic(of: .stock) == "shop.stock")
    #expect(options.kafka.commandTimeoutMilliseconds == 3_000)
    #expect(options.kafka.sessionTimeoutMilliseconds == 2_000 && options.kafka.heartbeatMilliseconds == 200)
    #expect(options.kafka.properties.description == "socket.timeout.ms")
    #expect(options.topics.replicationFactor == 5 && options.topics.minInsyncReplicas == 3)
    #expect(options.topics.retentionHours == 2)
  }

  @Test func everySettingOfThePricesReachesThem() throws {
    let folder = try TemporaryFolder()
    try Array("pem".utf8).write(to: folder.path + "/ca.pem")
    let options = try PodOptions(
      podSettings {
        $0.cluster.redis = "rediss://kassa:hush@r:1234/5"
        $0.cluster.redisPrefix = "shop:"
        $0.cluster.redisAuthoritiesFile = folder.path + "/ca.pem"
        $0.priceCacheMilliseconds = 777
      })
    #expect(options.redis?.address.description == "rediss://r:1234/5" && options.redis?.keyPrefix == "shop:")
    #expect(options.redis?.lifetimeMilliseconds == 777)
    #expect(options.redis?.authoritiesPath == folder.path + "/ca.pem")
  }

  @Test func withoutANameItIsTheHosts() throws {
    let name = try PodOptions(podSettings { $0.cluster.pod = nil }).name
    #expect((1...128).contains(name.utf8.count))
  }

  @Test func certificatesAreRead() throws {
    let folder = try TemporaryFolder()
    _ = try CertificateMaker.write(to: folder.path + "/pki", days: 1)
    let files = ["pod.pem", "pod.key", "authorities.pem"].map { "\(folder.path)/pki/\($0)" }
    let options = try PodOptions(
      podSettings {
        ($0.cluster.peerCertificateFile, $0.cluster.peerKeyFile) = (files[0], files[1])
        $0.cluster.peerAuthoritiesFile = files[2]
      })
    #expect(
      options.peerCertificates == PeerCertificates(certificate: files[0], key: files[1], authorities: files[2]))
  }

  @Test func announcesItself() throws {
    let settings = podSettings {
      $0.cluster.services = .stock
      $0.cluster.role = .owner
      $0.cluster.peers = Endpoint(host: "::1", port: 7)
    }
    let announcement = PodAnnouncement(
      name: "pod-0", incarnation: 0, host: "::1", port: 7, operatorAddress: "", services: [.stock], role: .owner)
    #expect(try PodOptions(settings).announcement == announcement)
    var others = settings
    others.operatorPort.port = 9_001
    #expect(try PodOptions(others).announcement.operatorAddress == "127.0.0.1:9001")
    others.operatorPort.host = "0.0.0.0"
    others.cluster.peersAdvertise = Endpoint(host: "127.0.0.7", port: 0)
    #expect(try PodOptions(others).announcement.operatorAddress == "127.0.0.7:9001", "where its peers find it")
    for (port, announced) in [(UInt16(8), UInt16(8)), (0, 7)] {
      others.cluster.peersAdvertise = Endpoint(host: "10.0.0.9", port: port)
      let options = try PodOptions(others)
      #expect(options.announcement.host == "10.0.0.9" && options.announcement.port == announced)
      #expect(options.address.description == "10.0.0.9:\(announced)")
    }
  }

  /// Each names its setting, and no secret.
  @Test func refusals() {
    let table: [(setting: String, start: String, change: (inout ServeSettings) -> Void)] = [
      ("rdkafka", "rdkafka.acks cannot be set: every", { $0.cluster.kafkaProperties = ["acks": "hush"] }),
      ("rdkafka", "rdkafka.no.such: librdkafka", { $0.cluster.kafkaProperties = ["no.such": "hush"] }),
      ("kafka-brokers", "the prefix 'a/b' gives no valid topic name", { $0.cluster.kafkaPrefix = "a/b" }),
      ("kafka-replication", "the replicas in sync must be", { $0.cluster.kafkaMinInsync = 4 }),
      ("redis", "the Redis URL must begin with", { $0.cluster.redis = "http://:hush@r" }),
      (
        "peer-certificate", "/nowhere/c: No such file",
        {
          ($0.cluster.peerCertificateFile, $0.cluster.peerKeyFile) = ("/nowhere/c", "/nowhere/k")
          $0.cluster.peerAuthoritiesFile = "/nowhere/a"
        }
      ),
      ("postgres-stock", "it is not given", { $0.cluster.postgresStock = nil }),
      (
        "redis-authorities", "/nowhere/ca: No such file",
        {
          $0.cluster.redis = "rediss://r"
          $0.cluster.redisAuthoritiesFile = "/nowhere/ca"
        }
      ),
    ]
    for (setting, start, change) in table {
      let failure = #expect(throws: BootFailure.self) { try PodOptions(podSettings(change)) }
      #expect(failure?.setting == setting && failure?.message.hasPrefix(start) == true, "\(failure as Any)")
      #expect(failure?.description.contains("hush") == false)
    }
  }
}

extension [UInt8] {
  func write(to path: String) throws { try Data(self).write(to: URL(fileURLWithPath: path)) }
}
