import Testing

@testable import Settings

@Suite struct ClusterSettingsTests {
  private struct Missing: Error {}

  /// What a pod needs at least, on loopback.
  private let pod = [
    "KASSA_MODE": "cluster", "KASSA_KAFKA_BROKERS": "k1:9092,k2:9093", "KASSA_POSTGRES_ORDERS": "host=a password=hush",
    "KASSA_POSTGRES_STOCK": "host=b", "KASSA_POSTGRES_PAYMENTS": "host=c",
  ]

  private func resolve(
    _ changes: [String: String?] = [:], _ arguments: [String] = [], file: String? = nil
  ) throws(SettingsError) -> ResolvedSettings {
    var environment = pod
    for (name, value) in changes { environment[name] = value }
    return try SettingsResolver.resolve(arguments: arguments, environment: environment) { _ in
      guard let file else { throw Missing() }
      return file
    }
  }

  private func problems(
    _ changes: [String: String?] = [:], _ arguments: [String] = [], file: String? = nil
  ) -> [String] {
    do throws(SettingsError) { _ = try resolve(changes, arguments, file: file) } catch { return error.problems }
    return []
  }

  @Test func aPodOfEverything() throws {
    let settings = try resolve().settings
    #expect(settings.mode == .cluster && settings.cluster.services == .all && settings.cluster.role == .all)
    #expect(settings.cluster.kafkaBrokers == [Endpoint(host: "k1", port: 9092), Endpoint(host: "k2", port: 9093)])
    #expect(settings.cluster.postgresOrders == "host=a password=hush" && settings.cluster.kafkaMinInsyncInForce == 2)
    #expect(settings.partitions == 8)
    #expect(try resolve(["KASSA_PARTITIONS": "64"]).settings.partitions == 64)
  }

  @Test func everythingIsRead() throws {
    let cluster = try resolve(
      [
        "KASSA_SERVICE": "stock", "KASSA_ROLE": "owner", "KASSA_POD": "stock-0", "KASSA_PEERS": "0.0.0.0:7000",
        "KASSA_PEERS_ADVERTISE": "10.0.0.7:7000", "KASSA_PEER_CERTIFICATE": "c", "KASSA_PEER_KEY": "k",
        "KASSA_PEER_AUTHORITIES": "a", "KASSA_KAFKA_PREFIX": "shop.",
        "KASSA_KAFKA_SESSION_TIMEOUT": "2s", "KASSA_KAFKA_COMMAND_TIMEOUT": "3s",
        "KASSA_KAFKA_REPLICATION": "1", "KASSA_KAFKA_RETENTION": "1h", "KASSA_INGEST": "skip-lost",
        "KASSA_REDIS": "redis://:hush@r",
        "KASSA_REDIS_PREFIX": "s:", "KASSA_REDIS_AUTHORITIES": "ca.pem", "KASSA_LEASE": "500ms",
        "KASSA_HANDOVER_TIME": "20s", "KASSA_POSTGRES_ORDERS": nil, "KASSA_POSTGRES_PAYMENTS": nil,
      ]
    ).settings.cluster
    #expect(cluster.services == .stock && cluster.role == .owner && cluster.pod == "stock-0")
    #expect(cluster.peers == Endpoint(host: "0.0.0.0", port: 7000) && cluster.peersAdvertise?.host == "10.0.0.7")
    #expect([cluster.peerCertificateFile, cluster.peerKeyFile, cluster.peerAuthoritiesFile] == ["c", "k", "a"])
    #expect(cluster.kafkaPrefix == "shop." && cluster.redisPrefix == "s:")
    #expect(cluster.kafkaSessionMilliseconds == 2_000)
    #expect(cluster.kafkaCommandMilliseconds == 3_000 && cluster.kafkaMinInsyncInForce == 1)
    #expect(cluster.kafkaRetentionMilliseconds == 3_600_000 && cluster.redis == "redis://:hush@r")
    #expect(cluster.leaseMilliseconds == 500 && cluster.handoverMilliseconds == 20_000)
    #expect(cluster.redisAuthoritiesFile == "ca.pem" && cluster.ingest == .skipLost)
  }

  @Test func aServerServesOnForFiveSecondsUnlessToldOtherwise() throws {
    #expect(try resolve().settings.drainDelayMilliseconds == 5_000)
    #expect(try resolve(["KASSA_DRAIN_DELAY": "0ms"]).settings.drainDelayMilliseconds == 0)
    #expect(ServeSettings().drainDelayMilliseconds == 5_000)
  }

  @Test func otherSystemsWriteOnlyWhereTheyMay() throws {
    #expect(try resolve().settings.cluster.ingest == .off)
    #expect(try resolve(["KASSA_INGEST": "on"]).settings.cluster.ingest == .on)
    #expect(!problems(["KASSA_INGEST": "sometimes"]).isEmpty)
    #expect(problems(["KASSA_MODE": "embedded", "KASSA_INGEST": "on"]).contains { $0.contains("ingest") })
  }

  @Test func anEmptySecretIsNone() throws {
    #expect(try resolve(["KASSA_REDIS": ""]).settings.cluster.redis == nil)
  }

  @Test(
    arguments: [
      (["KASSA_KAFKA_BROKERS": nil], ["Cluster mode needs kafka-brokers."]),
      (
        ["KASSA_POSTGRES_STOCK": nil],
        ["A pod that may own partitions of stock needs postgres-stock or postgres-stock-file."]
      ),
      (["KASSA_POSTGRES_STOCK": nil, "KASSA_SERVICE": "orders"], []),
      (["KASSA_POSTGRES_STOCK": nil, "KASSA_ROLE": "api"], []),
      (["KASSA_POSTGRES_ORDERS": "", "KASSA_SERVICE": "orders"], ["A pod that may own partitions of orders needs"]),
      (
        ["KASSA_PEERS": "0.0.0.0:7000"],
        ["peers-advertise is needed if peers means every", "peer-certificate is needed if peers"]
      ),
      (
        [
          "KASSA_PEERS": "[::]:7000", "KASSA_PEER_CERTIFICATE": "c", "KASSA_PEER_KEY": "k",
          "KASSA_PEER_AUTHORITIES": "a",
        ], ["peers-advertise is needed"]
      ),
      (["KASSA_PEERS_ADVERTISE": "10.0.0.1:7000"], ["peer-certificate is needed"]),
      (["KASSA_PEER_KEY": "k"], ["peer-certificate, peer-key and peer-authorities need each other."]),
      (["KASSA_PEERS": "localhost:7000"], ["peers must be a numeric address with a port other than 0."]),
      (["KASSA_PEERS": "127.0.0.1:0"], ["peers must be a numeric address with a port other than 0."]),
      (["KASSA_PEERS": "127.0.0.1:8000"], ["peers must not be http or operator."]),
      (["KASSA_KAFKA_MIN_INSYNC": "4"], ["kafka-min-insync must not exceed kafka-replication."]),
      (
        ["KASSA_LEASE": "3s", "KASSA_KAFKA_SESSION_TIMEOUT": "2s"], ["lease must not exceed kafka-session-timeout."]
      ),
      (
        ["KASSA_KAFKA_SESSION_TIMEOUT": "8s"],
        [
          "kafka-session-timeout, lease and a tenth of it, and 1 s for the group to distribute the partitions must "
            + "together fit into request-deadline."
        ]
      ),
      (["KASSA_KAFKA_COMMAND_TIMEOUT": "11s"], ["kafka-command-timeout must not exceed request-deadline."]),
      (["KASSA_REDIS_AUTHORITIES": "ca.pem"], ["redis-authorities needs redis."]),
      (
        ["KASSA_DATA": "d"],
        ["Mode cluster does not use data (environment). mode is 'cluster' (environment)"]
      ),
      (
        ["KASSA_EVENT_LOG_RETENTION": "keep"],
        ["Mode cluster does not use event-log-retention (environment)."]
      ),
      (
        ["KASSA_MODE": "embedded", "KASSA_RDKAFKA_DEBUG": "all"],
        [
          "Mode embedded does not use kafka-brokers (environment), postgres-orders (environment), "
            + "postgres-stock (environment), postgres-payments (environment), rdkafka.debug (environment)."
        ]
      ),
      (["KASSA_KAFKA_BROKERS": "k1"], ["kafka-brokers cannot be 'k1'"]),
      (["KASSA_KAFKA_BROKERS": "k1:9092,"], ["kafka-brokers cannot be 'k1:9092,'"]),
      (["KASSA_KAFKA_BROKERS": "k1:0"], ["kafka-brokers cannot be 'k1:0'"]),
      (["KASSA_POD": "a b"], ["pod cannot be 'a b' (environment): 1…128 visible ASCII characters"]),
      (["KASSA_POD": String(repeating: "p", count: 129)], ["pod cannot be"]),
      (["KASSA_LEASE": "99ms"], ["lease cannot be '99ms' (environment): 100ms…1m"]),
    ] as [([String: String?], [String])])
  func contradictions(_ changes: [String: String?], _ expected: [String]) {
    let problems = problems(changes)
    #expect(problems.count == expected.count, "\(problems)")
    for (problem, start) in zip(problems, expected) { #expect(problem.hasPrefix(start), "\(problem)") }
  }

  /// Nothing of a cluster can contradict anything while it is not asked for.
  @Test func embeddedModeNeedsNothingOfIt() throws {
    let resolved = try SettingsResolver.resolve(
      arguments: ["--request-deadline", "1s", "--http", "127.0.0.1:7000"], environment: [:]
    ) { _ in throw Missing() }
    #expect(resolved.settings.partitions == 8)
  }

  // MARK: librdkafka's own

  @Test func whatLibrdkafkaIsToldPassesThrough() throws {
    let file = "rdkafka.sasl.username=kassa\nKASSA_RDKAFKA_SASL_PASSWORD='of the file'\nKASSA_PARTITIONS=4"
    let resolved = try resolve(
      ["KASSA_RDKAFKA_SASL_PASSWORD": "hush", "KASSA_RDKAFKA_SECURITY_PROTOCOL": "SASL_SSL"], ["--config", "f"],
      file: file)
    #expect(
      resolved.settings.cluster.kafkaProperties == [
        "sasl.username": "kassa", "sasl.password": "hush", "security.protocol": "SASL_SSL",
      ])
    #expect(resolved.propertyOrigins["sasl.password"] == .environment && resolved.settings.partitions == 4)
    #expect(
      problems([:], ["--config", "f"], file: "rdkafka.a=1\nrdkafka.a=2") == ["f:2: rdkafka.a is already set at f:1"])
    #expect(problems(["KASSA_RDKAFKA_": "x"])[0].hasPrefix("no setting is called KASSA_RDKAFKA_"))
  }

  // MARK: Secrets

  @Test func secretsAreNeverShown() throws {
    let resolved = try resolve(["KASSA_REDIS": "redis://:hush@r", "KASSA_RDKAFKA_SASL_PASSWORD": "hush"])
    for text in [resolved.table, resolved.json] {
      #expect(!text.contains("hush") && text.contains("rdkafka.sasl.password") && text.contains("(hidden)"))
    }
    let long = "hush" + String(repeating: "x", count: 5_000)
    let refused =
      problems(["KASSA_REDIS": long]) + problems([:], ["--postgres-orders", "hush", "--postgres-orders", "hush 2"])
      + problems([:], ["--postgres-orders", "host=a", "password=hush"]) + problems(["KASSA_REDIS": "hush\0"])
      + problems(["KASSA_REDIS": "hush", "KASSA_MODE": "embedded"])
    #expect(refused.count == 5 && refused.allSatisfy { !$0.contains("hush") }, "\(refused)")
  }
}
