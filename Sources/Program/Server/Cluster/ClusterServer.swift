import Glibc
import HTTPServer
import Kafka
import Lanes
import Model
import Ports
import Runtime
import Peers
import Settings
import Synchronization
import Telemetry

/// One pod of a cluster: takes requests of its services, and owns the partitions that their groups assign to it.
///
/// ```
/// lane 0..n-1   one HTTP server, one REST API, its share of the partitions, its price cache; lane 0 also the peers
/// lane n        the operator port
/// threads       groups (one each), takeovers, map of owners, stores, watch over the servers, and over the clock
/// ```
/// Boot: check the topics, announce the pod (which gives it its incarnation), open stores and connections, open the
/// ports, join the groups. It is ready once it has taken over and replayed its first assignment.
public final class ClusterServer: Sendable {
  private let pod: Pod
  private let runtime: OwnerRuntime
  private let front: ServerFront
  private let memberships: Memberships
  private let watch: PodWatch
  private let drainMilliseconds: Int64
  private let replayed: Gate

  public var httpEndpoint: HTTPEndpoint { front.httpEndpoint }
  public var operatorEndpoint: HTTPEndpoint { front.operatorEndpoint }
  public var name: String { pod.identity.name }
  public var incarnation: UInt64 { pod.identity.incarnation }

  /// Opens everything and starts to serve.
  ///
  /// - Parameters:
  ///   - reloads: what else can be reloaded while it serves.
  ///   - onReplaced: called once, on any thread, when a newer pod of this name exists: this one should stop.
  /// - Throws: `BootFailure`, `ConfigurationError`, `HTTPServerFailure`, `LaneFailure`: each names what is wrong;
  ///   nothing keeps running then.
  public init(
    _ settings: ServeSettings, version: String, journal: Log, reloads: [Reload] = [],
    onReplaced: @escaping @Sendable () -> Void
  ) throws {
    let options = try PodOptions(settings)
    guard options.peers.port > 0 else { throw BootFailure("peers", "other pods connect to this port: it cannot be 0") }
    drainMilliseconds = settings.drainMilliseconds
    let lanes = try ServerLanes(servingCount: options.serving.runtime.laneCount)
    let pod = try ClusterBoot.run(options, lanes: lanes, journal)
    self.pod = pod
    let replayed = Gate()
    self.replayed = replayed
    pod.followMap()
    let runtime = OwnerRuntime(
      options: options.serving.runtime, lanes: lanes.serving, log: pod.log, store: pod.store,
      run: pod.identity.incarnation, link: pod.link, ingest: pod.ingest,
      clock: { [clock = pod.clock] in clock.now() }, report: { journal.report($0) },
      onReplayed: { replayed.open() })
    self.runtime = runtime
    do {
      let isOwner = !options.ownedServices.isEmpty
      for lane in lanes.serving { try pod.log.attach(lane.index, to: lane, appends: isOwner) }
      var parts = ServerFront.Parts(
        runtime: runtime, prices: pod.prices, services: options.servedServices,
        incarnation: pod.identity.incarnation, version: version)
      parts.journal = journal
      parts.reloads = reloads
      front = try ServerFront(options.serving, lanes: lanes, parts, sources: { pod.extend(&$0) })
      pod.clock.watch(journal)
      watch = try PodWatch(pod, journal, onReplaced: onReplaced)
      front.reportIgnoredKeys(journal)
      try front.start()
      try pod.joinGroups()
      memberships = Memberships(
        pod.members, pod.stores, outageMilliseconds: Int64(options.kafka.sessionTimeoutMilliseconds), runtime, journal)
    } catch {
      pod.abandon()
      throw error
    }
  }

  /// Waits until its first assignment has been taken over and replayed. Returns false if that takes longer.
  public func waitUntilReady(milliseconds: Int) -> Bool { replayed.wait(milliseconds: milliseconds) }

  /// Is no longer ready, but keeps serving until `stop`, so that load balancers send requests elsewhere.
  public func leave() { front.leave() }

  /// Reloads what may change while it serves; what cannot be used changes nothing, and is reported.
  public func reload(_ journal: Log) { front.reload(journal) }

  /// Ends in order: takes no new connections or commands, leaves the groups, lets what is under way finish and other
  /// pods take over the partitions, and closes. Blocking; bounded by the settings `drain-time` and `handover-time`, ten
  /// seconds for checkpoints, and, if Kafka is away, ten more: everything that waits for brokers waits at the same
  /// time.
  public func stop() {
    memberships.end()
    let (pod, watch) = (pod, watch)
    let leaving = BackgroundThread("leaving") {
      pod.leaveGroups()
      watch.end()
    }
    front.drain(
      answersMilliseconds: drainMilliseconds,
      handoverMilliseconds: hasSuccessors ? pod.options.handoverMilliseconds : 0,
      closingMilliseconds: Self.closingMillisecondsMax)
    let parting = BackgroundThread("parting") { pod.ownership.close() }
    pod.closeOnLanes()
    front.close()
    pod.close()
    runtime.joinTakeovers()
    parting?.join()
    leaving?.join()
    watch.end()
  }

  /// Whether another live pod may own what this one owns.
  private var hasSuccessors: Bool {
    let services = Set(pod.options.ownedServices)
    let connected = Set(pod.mesh.statuses.filter { $0.state == .connected }.map(\.name))
    return pod.ownership.snapshot().pods.values.contains {
      $0.incarnation != pod.identity.incarnation && $0.role != .api && !$0.services.isDisjoint(with: services)
        && connected.contains($0.name)
    }
  }

  /// How long checkpoints may take beyond the drain.
  static let closingMillisecondsMax = 10_000
}
