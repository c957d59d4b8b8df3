import Clocks
import Ports
import Kafka
import Lanes
import Model
import OperatorAPI
import Runtime
import Peers
import Postgres
import Redis
import Settings
import Synchronization
import Telemetry

/// A pod's adapters, opened but not yet at work.
///
/// Life, around the runtime's and the servers' own:
/// ```
/// joinGroups · lanes start · followMap · drain · leaveGroups · closeOnLanes · lanes end · close
/// ```
public final class Pod: Sendable {
  public let options: PodOptions
  /// The cluster to which the stores and the other pods must also belong.
  public let clusterID: String
  public let lanes: ServerLanes
  let log: KafkaRecordLog
  /// Of the services whose partitions may be owned here; empty for role `api`.
  public let stores: [Service: PostgresStore]
  /// All of them as one store.
  public let store: ServiceStores
  /// By lane.
  public let prices: [any PriceCache]
  /// Also by lane; empty if prices are remembered in memory.
  let redis: [RedisPriceCache]
  public let mesh: PeerMesh
  /// The mesh as the runtime sees it.
  public let port: MeshLink
  public let identity: PeerIdentity
  /// Who owns what, and where pods are.
  public let ownership: any OwnershipMap
  /// What other systems write; nil where nobody may, or where no partitions are owned.
  let ingest: KafkaIngest?
  /// Where its records get their time from.
  public let clock: ServingClock
  private let journal: Log
  private let followed = Mutex<[PodAnnouncement]>([])
  private let membersOfGroups = Mutex<[KafkaMember]>([])

  init(
    options: PodOptions, opened: ClusterBoot.OpenedLog, lanes: ServerLanes, stores: [Service: PostgresStore],
    prices: [any PriceCache], redis: [RedisPriceCache], mesh: PeerMesh, identity: PeerIdentity,
    ownership: any OwnershipMap, ingest: KafkaIngest? = nil, clock: ServingClock, journal: Log
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
    self.ownership = ownership
    self.ingest = ingest
    self.clock = clock
    self.journal = journal
    port = MeshLink(mesh, lanes: lanes.serving) { journal.report($0) }
  }

  // MARK: Peers

  /// What makes a runtime one of several.
  public var link: PodLink {
    PodLink(
      ownership: ownership, pods: port, address: options.address.description, owns: Set(options.ownedServices),
      leaseMilliseconds: options.leaseMilliseconds, clock: { BootClock.milliseconds })
  }

  /// Keeps connections to the pods of the map from now on.
  public func followMap() {
    ownership.follow { [weak self] in self?.lookAtMap() }
    lookAtMap()
  }

  private func lookAtMap() {
    // Under the lock, so that an older map never comes after a newer one's.
    let complaints = followed.withLock { followed -> [String] in
      let pods = ownership.snapshot().pods.values.sorted { $0.incarnation < $1.incarnation }
      guard followed != pods else { return [] }
      followed = pods
      return port.follow(pods.filter { $0.name != identity.name })
    }
    for complaint in complaints {
      journal.error("cannot keep a connection to a pod", ["reason": LogValue(complaint)])
    }
  }

  /// Whether a newer pod has this one's name: then this one should stop.
  public var isReplaced: Bool {
    mesh.isReplaced
      || ownership.snapshot().pods.values.contains {
        $0.name == identity.name && $0.incarnation > identity.incarnation
      }
  }

  // MARK: Groups

  /// The pod's memberships, one for each service whose partitions it may own; empty before `joinGroups`.
  public var members: [KafkaMember] { membersOfGroups.withLock { $0 } }

  /// Joins the groups: from now on partitions may be assigned; they wait for `KafkaMember.takeEvents`. Call it when
  /// nothing else can fail.
  /// - Throws: `BootFailure`.
  public func joinGroups() throws(BootFailure) {
    for service in options.ownedServices {
      let member = try BootFailure.naming("kafka-brokers") { try KafkaMember(options.kafka, of: service) }
      membersOfGroups.withLock { $0.append(member) }
    }
  }

  /// Leaves the groups, so that others get the partitions immediately: all at the same time, as each may have to wait
  /// for absent brokers. Blocking; nobody may take their events from then on.
  public func leaveGroups() {
    let leaving = members.map { member in
      (member, BackgroundThread("leave-\(member.service.name)") { member.leave() })
    }
    for (member, thread) in leaving {
      if let thread { thread.join() } else { member.leave() }
    }
  }

  // MARK: The end

  /// Posts to the lanes what must be closed there; before they end.
  public func closeOnLanes() {
    for (lane, cache) in zip(lanes.serving, redis) { lane.post { cache.close() } }
    lanes.serving.first?.post { [mesh] in mesh.close() }
  }

  /// Announces the pod's end to the others, and finishes what the stores and the log were asked to do. Blocking; after
  /// the end of the lanes.
  public func close() {
    clock.end()
    ingest?.close()
    ownership.close()
    store.close()
    log.close()
  }

  /// Closes everything of a pod that cannot serve because something else failed. On the thread that made it; ends the
  /// lanes if they were started.
  public func abandon() {
    leaveGroups()
    if lanes.serving.contains(where: \.isStarted) {
      closeOnLanes()
      lanes.end()
    } else {
      for cache in redis { cache.close() }
      mesh.close()
    }
    close()
  }

  // MARK: For the operator

  /// Why nothing that this pod's partitions need can be written: a record has waited for as long as a request may
  /// take, and no group knows the pod any more. One sign alone is not enough: a partition may lack a leader while all
  /// others are well, and a group its coordinator.
  private func cutOff(_ appendAgeMilliseconds: Int64) -> String? {
    guard appendAgeMilliseconds >= options.serving.runtime.replyMilliseconds else { return nil }
    let members = members
    guard !members.isEmpty, members.allSatisfy(\.statistics.isLost) else { return nil }
    return "cut off from Kafka: its brokers have confirmed nothing for \(appendAgeMilliseconds / 1_000) s, "
      + "and the groups have lost this pod"
  }

  /// Whether a pod of the map is this one or is connected.
  private func isThere(_ pod: PodAnnouncement) -> Bool {
    pod.name == identity.name || mesh.peer(pod.name)?.status.state == .connected
  }

  /// Adds the adapters' metrics, `/peers` and `/owners`.
  public func extend(_ sources: inout OperatorSources) {
    sources.pod = OperatorPod(name: identity.name, incarnation: identity.incarnation)
    let figures = redis.map(\.figures)
    sources.metrics += [
      { [log] in $0.write(log) }, { [weak self] in $0.write(self?.members ?? []) }, { [stores] in $0.write(stores) },
      { [mesh, port] in $0.write(mesh, port) },
      { [weak self, ownership] in $0.write(ownership) { self?.isThere($0) ?? false } },
    ]
    clock.extend(&sources)
    sources.cutOff = { [weak self] in self?.cutOff($0) }
    if let ingest {
      sources.metrics.append { $0.write(ingest.statistics) }
      sources.ingest = {
        ingest.statistics.partitions.mapValues { IngestFigures(lagRecords: $0.lag, isStopped: $0.isStopped) }
      }
    }
    if !figures.isEmpty { sources.metrics.append { $0.write(figures) } }
    sources.pages += [
      PeersPage.page(of: mesh, as: identity, at: options.address.description),
      OwnersPage.page(of: ownership, partitionCount: options.kafka.partitioner.count),
    ]
  }
}
