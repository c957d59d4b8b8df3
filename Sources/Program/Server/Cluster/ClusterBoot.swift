import Clocks
import Kafka
import Lanes
import Model
import Ports
import Peers
import Postgres
import Redis
import RestAPI
import Settings
import Telemetry

/// Brings up a pod's adapters, in the order in which servers provide what the next one needs; blocking.
///
/// ```
/// openLog     topics as they must be, the clients, the cluster's id
/// openMap     the map of owners, which gives this run of the pod its number
/// open        stores (each for this cluster's id), price caches on the lanes, connections to the others on lane 0
/// ```
/// A step that fails names the setting and the server at fault, and what was opened before is closed.
public enum ClusterBoot {
  /// The log, and which cluster it is on.
  public struct OpenedLog: Sendable {
    let log: KafkaRecordLog
    /// The stores and the other pods must belong to the same (`KafkaOptions.clusterName`).
    public let clusterID: String

    init(log: KafkaRecordLog, kafkaID: String) {
      self.log = log
      clusterID = log.options.clusterName(kafkaID)
    }
  }

  /// All steps. The lanes must not have been started.
  /// - Throws: `BootFailure`.
  public static func run(_ options: PodOptions, lanes: ServerLanes, _ journal: Log) throws(BootFailure) -> Pod {
    let opened = try openLog(options, journal)
    do throws(BootFailure) {
      let clock = ServingClock(toleranceMilliseconds: options.clockToleranceMilliseconds)
      let asked = BootClock.milliseconds
      let map = try openMap(options, journal)
      do throws(BootFailure) {
        if options.comparesClocks { try compare(clock, with: map, askedAt: asked) }
        return try open(options, opened, map, lanes: lanes, incarnation: map.incarnation, clock: clock, journal)
      } catch {
        map.close()
        throw error
      }
    } catch {
      opened.log.close()
      throw error
    }
  }

  // MARK: Kafka

  /// Checks the topics and connects to Kafka.
  /// - Throws: `BootFailure`: no broker answers, or the topics are not as Kassa needs them; then with the commands that
  ///   fix it.
  public static func openLog(_ options: PodOptions, _ journal: Log) throws(BootFailure) -> OpenedLog {
    try checkTopics(options, journal)
    let log = try naming("kafka-brokers") { try KafkaRecordLog(options: options.kafka) { journal.report($0) } }
    do {
      let id = try naming("kafka-brokers") { try log.readClusterID() }
      return OpenedLog(log: log, kafkaID: id)
    } catch {
      log.close()
      throw error
    }
  }

  private static func checkTopics(_ options: PodOptions, _ journal: Log) throws(BootFailure) {
    let plan = options.topics
    let findings = try naming("kafka-brokers") {
      plan.findings(try TopicAdministration(options.kafka).describe(plan))
    }
    // Partitions without a leader will get one by themselves.
    for finding in findings where finding.isPassing {
      journal.warning("a topic has a problem", ["finding": LogValue(finding)])
    }
    let lasting = findings.filter { !$0.isPassing }
    guard !lasting.isEmpty else { return }
    let list = lasting.map { "\n  \($0)" }.joined()
    throw BootFailure("kafka-brokers", "the topics at \(plan.brokers) are not as Kassa needs them:\(list)")
  }

  /// Announces the pod, and reads who owns what.
  /// - Throws: `BootFailure`: no broker answers.
  public static func openMap(_ options: PodOptions, _ journal: Log) throws(BootFailure) -> KafkaOwnershipMap {
    try naming("kafka-brokers") {
      try KafkaOwnershipMap(options: options.kafka, pod: options.announcement) { journal.report($0) }
    }
  }

  /// - Throws: `BootFailure` if the clock of the broker that took the announcement differs.
  private static func compare(
    _ clock: ServingClock, with map: KafkaOwnershipMap, askedAt: Int64
  ) throws(BootFailure) {
    guard let theirs = map.announcedMilliseconds,
      let complaint = clock.complaint(about: "Kafka's", saying: theirs, askedAt: askedAt)
    else { return }
    throw BootFailure("clock-tolerance", complaint)
  }

  // MARK: Everything else

  /// Opens what builds on the log's cluster. The lanes must not have been started.
  /// - Parameters:
  ///   - incarnation: of this run of the pod: higher than those of all its runs before.
  ///   - clock: where records get their time from.
  /// - Throws: `BootFailure`.
  static func open(
    _ options: PodOptions, _ opened: OpenedLog, _ ownership: any OwnershipMap, lanes: ServerLanes,
    incarnation: UInt64, clock: ServingClock, _ journal: Log
  ) throws(BootFailure) -> Pod {
    let stores = try openStores(options, opened.clusterID, clock)
    var redis: [RedisPriceCache] = []
    var ingest: KafkaIngest?
    do throws(BootFailure) {
      ingest = try openIngest(options, journal)
      let prices = try openPrices(options, lanes.serving, &redis)
      let identity = PeerIdentity(name: options.name, incarnation: incarnation)
      let mesh = try openMesh(options, identity, opened.clusterID, lanes.serving, journal)
      return Pod(
        options: options, opened: opened, lanes: lanes, stores: stores, prices: prices, redis: redis, mesh: mesh,
        identity: identity, ownership: ownership, ingest: ingest, clock: clock, journal: journal)
    } catch {
      ingest?.close()
      for cache in redis { cache.close() }
      for store in stores.values { store.close() }
      throw error
    }
  }

  private static func openStores(
    _ options: PodOptions, _ clusterID: String, _ clock: ServingClock
  ) throws(BootFailure) -> [Service: PostgresStore] {
    let identity = PostgresIdentity(cluster: clusterID, partitionCount: options.kafka.partitioner.count)
    var stores: [Service: PostgresStore] = [:]
    do throws(BootFailure) {
      for (service, connection) in options.databases.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        stores[service] = try naming(PodOptions.setting(ofDatabase: service)) {
          try PostgresStore(
            connection, service: service, identity: identity, clock: options.comparesClocks ? clock.question : nil)
        }
      }
    } catch {
      for store in stores.values { store.close() }
      throw error
    }
    return stores
  }

  /// Reads the topics that other systems write to, in a pod that may own partitions.
  private static func openIngest(_ options: PodOptions, _ journal: Log) throws(BootFailure) -> KafkaIngest? {
    guard options.ingest != .off, !options.ownedServices.isEmpty else { return nil }
    return try naming("ingest") {
      try KafkaIngest(
        options.kafka, skipsLost: options.ingest == .skipLost, describe: { RefusalText.of($0) },
        report: { journal.report($0) })
    }
  }

  /// The caches by lane: one in Redis for each, or one in memory for all.
  private static func openPrices(
    _ options: PodOptions, _ lanes: [Lane], _ opened: inout [RedisPriceCache]
  ) throws(BootFailure) -> [any PriceCache] {
    guard let redis = options.redis else {
      let cache = MemoryPriceCache(
        entriesMax: options.priceEntriesMax, lifetimeMilliseconds: options.priceMilliseconds,
        now: { MonotonicClock.milliseconds })
      return lanes.map { _ in cache }
    }
    for lane in lanes { opened.append(try naming("redis") { try RedisPriceCache(lane, redis) }) }
    return opened
  }

  private static func openMesh(
    _ options: PodOptions, _ identity: PeerIdentity, _ clusterID: String, _ lanes: [Lane], _ journal: Log
  ) throws(BootFailure) -> PeerMesh {
    let peers = options.peers
    var mesh = PeerOptions(
      cluster: clusterID, identity: identity, host: peers.host, port: peers.port,
      certificates: options.peerCertificates)
    mesh.limits.frameBytesMax = frameBytesMax
    mesh.onFailedReload = {
      journal.error("new peer certificates cannot be used; the old ones stay in use", ["text": LogValue($0)])
    }
    guard let lane = lanes.first else { throw BootFailure("lanes", "there is none") }
    return try naming("peers") { try PeerMesh(lane, readers: lanes, mesh) }
  }

  /// More than any one message takes: the largest, a checkout's slip with as many lines as an order can have, takes
  /// 1.3 MB.
  static let frameBytesMax = 2 << 20

  private static func naming<Value>(_ setting: String, _ body: () throws -> Value) throws(BootFailure) -> Value {
    try BootFailure.naming(setting, body)
  }
}
