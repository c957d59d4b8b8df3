import Ports
import Glibc
import Kafka
import Model
import Runtime
import Peers
import Redis
import Settings

/// The settings of a pod, as each part needs them.
public struct PodOptions: Sendable {
  /// This process's name to the others, and to Kafka.
  public let name: String
  /// Those served or owned here, in order.
  public let services: [Service]
  public let role: RoleChoice
  public let serving: ServingOptions
  public internal(set) var kafka: KafkaOptions
  public let topics: TopicPlan
  public let ingest: IngestChoice
  /// How libpq reaches the databases of the services whose partitions may be owned here.
  public let databases: [Service: String]
  /// nil: prices are remembered in memory.
  let redis: RedisOptions?
  let peers: Endpoint
  private let advertised: Endpoint?
  private let operatorPort: Endpoint
  let peerCertificates: PeerCertificates?
  public let leaseMilliseconds: Int64
  public let handoverMilliseconds: Int64
  public let clockToleranceMilliseconds: Int64
  /// Whether its clock must agree with those of brokers and databases.
  public let comparesClocks: Bool
  let priceEntriesMax: Int
  let priceMilliseconds: Int64

  public var takesRequests: Bool { role != .owner }
  public var ownsPartitions: Bool { role != .api }
  /// The services whose requests are answered here.
  public var servedServices: Set<Service> { takesRequests ? Set(services) : [] }
  /// The services whose partitions may be owned here.
  public var ownedServices: [Service] { ownsPartitions ? services : [] }

  /// - Throws: `ConfigurationError`, `BootFailure`.
  public init(_ settings: ServeSettings) throws {
    let cluster = settings.cluster
    name = try cluster.pod ?? Self.hostName()
    services = Service.allCases.filter { cluster.services.contains(ServiceChoice($0)) }
    role = cluster.role
    serving = try ServingOptions(settings)
    guard settings.orderLinesMax <= KafkaOptions.orderLinesMax else {
      throw ConfigurationError(
        "order-lines-max is \(settings.orderLinesMax); in a cluster it is \(KafkaOptions.orderLinesMax) at most, so "
          + "that each checkout fits into a record of Kafka")
    }
    kafka = try Self.kafka(settings, name: name, serving.runtime)
    topics = try Self.topics(cluster, kafka)
    ingest = cluster.ingest
    databases = try Self.databases(cluster, services)
    redis = try Self.redis(settings)
    peers = cluster.peers
    advertised = cluster.peersAdvertise
    operatorPort = settings.operatorPort
    peerCertificates = try Self.certificates(cluster)
    leaseMilliseconds = cluster.leaseMilliseconds
    handoverMilliseconds = cluster.handoverMilliseconds
    clockToleranceMilliseconds = settings.clockToleranceMilliseconds
    comparesClocks = settings.acceptedClock == .plausible
    priceEntriesMax = settings.priceCacheEntriesMax
    priceMilliseconds = settings.priceCacheMilliseconds
  }

  /// Where the others find this pod.
  var address: Endpoint {
    guard let advertised else { return peers }
    return Endpoint(host: advertised.host, port: advertised.port == 0 ? peers.port : advertised.port)
  }

  /// What it announces about itself; the map of owners gives it its incarnation.
  var announcement: PodAnnouncement {
    PodAnnouncement(
      name: name, incarnation: 0, host: address.host, port: address.port,
      operatorAddress: operatorPort.port == 0 ? "" : operatorAddress.description, services: Set(services),
      role: PodRole(role))
  }

  /// Where tools find the operator port: at the address of `peers` if it means every address of the machine.
  private var operatorAddress: Endpoint {
    operatorPort.isWildcard ? Endpoint(host: address.host, port: operatorPort.port) : operatorPort
  }

  /// Read once, so that a pod that could reach no other pod does not start.
  private static func certificates(_ cluster: ClusterSettings) throws(BootFailure) -> PeerCertificates? {
    guard let certificate = cluster.peerCertificateFile, let key = cluster.peerKeyFile,
      let authorities = cluster.peerAuthoritiesFile
    else { return nil }
    let files = PeerCertificates(certificate: certificate, key: key, authorities: authorities)
    try BootFailure.naming("peer-certificate") { try files.check() }
    return files
  }

  private static func hostName() throws(BootFailure) -> String {
    var bytes = [CChar](repeating: 0, count: 257)
    let isKnown = gethostname(&bytes, bytes.count - 1) == 0
    let name = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard isKnown, (1...PeerIdentity.nameBytesMax).contains(name.utf8.count),
      name.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { throw BootFailure("pod", "the host's name cannot be a pod's name; set one") }
    return name
  }

  // MARK: Kafka

  /// How often a group member reports that it is alive: a tenth of its session, within these bounds. Rebalances wait
  /// for it.
  static let heartbeatMilliseconds = 100...300

  private static func kafka(
    _ settings: ServeSettings, name: String, _ runtime: RuntimeOptions
  ) throws(BootFailure) -> KafkaOptions {
    let cluster = settings.cluster
    let brokers = cluster.kafkaBrokers.map(\.description).joined(separator: ",")
    var options = KafkaOptions(brokers: brokers, partitioner: runtime.partitioner)
    options.clientName = name
    options.prefix = cluster.kafkaPrefix
    options.commandTimeoutMilliseconds = Int(clamping: cluster.kafkaCommandMilliseconds)
    options.sessionTimeoutMilliseconds = Int(clamping: cluster.kafkaSessionMilliseconds)
    options.heartbeatMilliseconds = min(
      max(options.sessionTimeoutMilliseconds / 10, heartbeatMilliseconds.lowerBound), heartbeatMilliseconds.upperBound)
    for (property, value) in cluster.kafkaProperties.sorted(by: { $0.key < $1.key }) {
      // The message names the property itself.
      do { try options.properties.set(property, value) } catch { throw BootFailure("rdkafka", error.message) }
    }
    if let contradiction = options.contradiction { throw BootFailure("kafka-brokers", contradiction) }
    return options
  }

  private static func topics(
    _ cluster: ClusterSettings, _ kafka: KafkaOptions
  ) throws(BootFailure) -> TopicPlan {
    var plan = TopicPlan(kafka)
    plan.replicationFactor = cluster.kafkaReplication
    plan.minInsyncReplicas = cluster.kafkaMinInsyncInForce
    plan.retentionHours = Int(clamping: cluster.kafkaRetentionMilliseconds / 3_600_000)
    plan.hasIngest = cluster.ingest != .off
    if let contradiction = plan.contradiction { throw BootFailure("kafka-replication", contradiction) }
    return plan
  }

  // MARK: PostgreSQL, Redis

  private static func databases(
    _ cluster: ClusterSettings, _ services: [Service]
  ) throws(BootFailure) -> [Service: String] {
    guard cluster.role != .api else { return [:] }
    var databases: [Service: String] = [:]
    for service in services {
      let connection =
        switch service {
        case .orders: cluster.postgresOrders
        case .stock: cluster.postgresStock
        case .payments: cluster.postgresPayments
        }
      guard let connection else { throw BootFailure(setting(ofDatabase: service), "it is not given") }
      databases[service] = connection
    }
    return databases
  }

  static func setting(ofDatabase service: Service) -> String { "postgres-\(service.name)" }

  private static func redis(_ settings: ServeSettings) throws(BootFailure) -> RedisOptions? {
    guard let url = settings.cluster.redis else { return nil }
    let address = try BootFailure.naming("redis") { try RedisAddress(url: url) }
    var options = RedisOptions(
      address: address, keyPrefix: settings.cluster.redisPrefix, lifetimeMilliseconds: settings.priceCacheMilliseconds)
    options.authoritiesPath = settings.cluster.redisAuthoritiesFile
    if let path = options.authoritiesPath, access(path, R_OK) != 0 {
      throw BootFailure("redis-authorities", "\(path): \(String(cString: strerror(errno)))")
    }
    if let complaint = options.complaints.first { throw BootFailure("redis", complaint) }
    return options
  }
}

extension ServiceChoice {
  init(_ service: Service) {
    self =
      switch service {
      case .orders: .orders
      case .stock: .stock
      case .payments: .payments
      }
  }
}

extension PodRole {
  init(_ role: RoleChoice) {
    self =
      switch role {
      case .all: .all
      case .api: .api
      case .owner: .owner
      }
  }
}
