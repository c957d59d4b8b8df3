/// The settings of a pod in a cluster, with their defaults. `SettingsTable` says what each value means.
public struct ClusterSettings: Hashable, Sendable {
  public var services = ServiceChoice.all
  public var role = RoleChoice.all
  /// nil: the host's name.
  public var pod: String?
  public var peers = Endpoint(host: "127.0.0.1", port: 7000)
  /// nil: `peers`.
  public var peersAdvertise: Endpoint?
  public var peerCertificateFile: String?
  public var peerKeyFile: String?
  public var peerAuthoritiesFile: String?
  public var leaseMilliseconds: Int64 = 1_000
  public var handoverMilliseconds: Int64 = 10_000

  public var kafkaBrokers: [Endpoint] = []
  public var kafkaPrefix = "kassa."
  public var kafkaSessionMilliseconds: Int64 = 6_000
  public var kafkaCommandMilliseconds: Int64 = 5_000
  public var kafkaReplication = 3
  /// nil: one less than `kafkaReplication`, at least 1.
  public var kafkaMinInsync: Int?
  public var kafkaRetentionMilliseconds: Int64 = 7 * 24 * 60 * 60 * 1_000
  public var ingest = IngestChoice.off

  public var postgresOrders: String?
  public var postgresStock: String?
  public var postgresPayments: String?
  public var redis: String?
  /// The files of secrets: `SettingsResolver` reads them into the secrets' values.
  public var postgresOrdersFile: String?
  public var postgresStockFile: String?
  public var postgresPaymentsFile: String?
  public var redisFile: String?
  public var redisAuthoritiesFile: String?
  public var redisPrefix = "kassa:"

  /// librdkafka's other settings, by its own names. Not in the table: the names are the library's, and the values are
  /// never shown.
  public var kafkaProperties: [String: String] = [:]

  public init() {}

  /// The replicas that must have a record before it counts as written.
  public var kafkaMinInsyncInForce: Int { kafkaMinInsync ?? max(kafkaReplication - 1, 1) }
}

/// What a process does.
public enum ServingMode: String, CaseIterable, Sendable {
  /// Everything in one process, durable in a data folder.
  case embedded
  /// A pod of a cluster, with its log in Kafka.
  case cluster
}

/// The services whose API a pod serves and whose partitions it may own.
public enum ServiceChoice: String, CaseIterable, Sendable {
  case all, orders, stock, payments

  public func contains(_ service: ServiceChoice) -> Bool { self == .all || self == service }
}

/// Whether other systems may write commands to separate topics.
public enum IngestChoice: String, CaseIterable, Sendable {
  case off
  case on
  /// On, and a partition whose topic lost commands continues without them.
  case skipLost = "skip-lost"
}

/// What a pod does for its services.
public enum RoleChoice: String, CaseIterable, Sendable {
  case all
  /// It takes requests but owns no partitions.
  case api
  /// It owns partitions but takes no requests.
  case owner
}

extension Endpoint {
  /// Whether it means every address of the machine.
  public var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

  /// The address for a program on the same machine: loopback if this one means every address.
  public var onThisMachine: Endpoint {
    isWildcard ? Endpoint(host: host == "::" ? "::1" : "127.0.0.1", port: port) : self
  }

  /// Whether only this machine can reach it.
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// Whether it is an address, not a name.
  var isNumeric: Bool { host.contains(":") || host.split(separator: ".").allSatisfy { UInt8($0) != nil } }
}
