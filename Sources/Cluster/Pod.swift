import EventLog
import KafkaLog
import Lanes
import Model
import OperatorAPI
import Peers
import PostgresStore
import PriceCache
import RedisPriceCache
import Serving
import Settings
import StateStore
import Synchronization
import Telemetry

/// A pod's adapters, opened and not yet at work.
///
/// Life, around the runtime's and the servers' own:
/// ```
/// joinGroups · lanes start · follow, each time the map of owners changes · drain · leaveGroups
/// closeOnLanes · lanes end · close
/// ```
public final class Pod: Sendable {
  public let options: PodOptions
  /// Kafka's own name of the cluster.
  public let clusterID: String
  public let lanes: ServerLanes
  public let log: KafkaLog
  /// Of the services whose partitions may be owned here; empty for role `api`.
  public let stores: [Service: PostgresStore]
  /// The same as one.
  public let store: ServiceStores
  /// By lane.
  public let prices: [any PriceCache]
  /// By lane too; empty when prices are remembered in memory.
  let redis: [RedisPriceCache]
  public let mesh: PeerMesh
  public let identity: PeerIdentity
  private let membersOfGroups = Mutex<[KafkaMember]>([])

  init(
    options: PodOptions, opened: ClusterBoot.OpenedLog, lanes: ServerLanes, stores: [Service: PostgresStore],
    prices: [any PriceCache], redis: [RedisPriceCache], mesh: PeerMesh, identity: PeerIdentity
  ) {
    self.options = options
    clusterID = opened.clusterID
    self.lanes = lanes
    log = opened.log
    self.stores = stores
    store = ServiceStores(stores)
    self.prices = prices
    self.redis = redis
    self.mesh = mesh
    self.identity = identity
  }

  // MARK: Peers

  /// Where the others find this pod: what it announces.
  public var address: PeerAddress {
    let place = options.advertised ?? options.peers
    return PeerAddress(
      name: identity.name, host: place.host, port: place.port == 0 ? mesh.port : place.port,
      publicKey: options.peerKeys?.publicKey)
  }

  /// Keeps connections to these pods, and to no others; this one among them is passed over. From any thread.
  public func follow(_ pods: [PeerAddress], _ journal: Log) {
    do {
      try mesh.follow(pods)
    } catch {
      journal.error("the other pods cannot be followed", ["reason": LogValue(error)])
    }
  }

  // MARK: Groups

  /// The pod's memberships, one of each service whose partitions it may own; empty before `joinGroups`.
  public var members: [KafkaMember] { membersOfGroups.withLock { $0 } }

  /// Joins the groups: from now on partitions may be assigned, which wait for `KafkaMember.takeEvents`, to be called in
  /// turns of the first lane. Before the lanes start, and when nothing else can fail.
  /// - Throws: `BootFailure`.
  public func joinGroups() throws(BootFailure) {
    for service in options.ownedServices {
      let member = try BootFailure.naming("kafka-brokers") { try KafkaMember(options.kafka, of: service) }
      membersOfGroups.withLock { $0.append(member) }
      if let lane = lanes.serving.first { try BootFailure.naming("lanes") { try member.attach(to: lane) } }
    }
  }

  /// Leaves the groups, so that the partitions go to others at once. Blocking; the first lane must not take their
  /// events any more.
  public func leaveGroups() {
    for member in members { member.leave() }
  }

  // MARK: The end

  /// Posts to the lanes what has to be closed there; before they end.
  public func closeOnLanes() {
    for (lane, cache) in zip(lanes.serving, redis) { lane.post { cache.close() } }
    lanes.serving.first?.post { [mesh] in mesh.close() }
  }

  /// Finishes what was asked of the stores, then of the log. Blocking; behind the end of the lanes.
  public func close() {
    store.close()
    log.close()
  }

  /// Closes everything of a pod whose lanes were never started, since something else could not be had. On the thread
  /// that made it.
  public func abandon() {
    leaveGroups()
    for cache in redis { cache.close() }
    mesh.close()
    close()
  }

  // MARK: For the operator

  /// Adds the adapters' metrics, and `/peers`.
  public func extend(_ sources: inout OperatorSources) {
    let figures = redis.map(\.figures)
    sources.metrics += [
      { [log] in $0.write(log) }, { [weak self] in $0.write(self?.members ?? []) }, { [stores] in $0.write(stores) },
      { [mesh] in $0.write(mesh) },
    ]
    if !figures.isEmpty { sources.metrics.append { $0.write(figures) } }
    sources.pages.append(PeersPage.page(of: mesh, as: identity, at: address))
  }
}
