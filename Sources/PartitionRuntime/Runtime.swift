import EventLog
import Lanes
import Model
import OwnershipMap
import PartitionCore
import StateStore
import Synchronization

/// All partitions of a process on its lanes: boot, replay, orderly end, and what the operator sees.
///
/// ```
/// starting ──every partition has replayed──► running ──stop──► stopping
/// ```
public final class Runtime: RuntimeInspection {
  public let lanes: [Lane]
  let shared: RuntimeShared
  private let laneRuntimes: [LaneConfined<LaneRuntime>]

  /// One of several: owns what it is assigned (`assign`), from then until the log says that another one does.
  ///
  /// - Parameters:
  ///   - report: called on any thread, must not block.
  ///   - onReplayed: called once, on any thread, when the first assignment of each service that the pod owns partitions
  ///     of has been taken over and replayed.
  public convenience init(
    options: RuntimeOptions, lanes: [Lane], log: any SharedLog, store: any StateStore, incarnation: UInt64,
    cluster: ClusterLink, clock: @escaping @Sendable () -> Timestamp,
    report: @escaping @Sendable (RuntimeEvent) -> Void, onReplayed: @escaping @Sendable () -> Void
  ) {
    self.init(
      lanes,
      RuntimeShared(
        options: options, log: log, store: store, incarnation: incarnation, clock: clock, lanes: lanes, report: report,
        onReplayed: onReplayed, cluster: (cluster, log)))
    cluster.ownership.follow { for lane in lanes { lane.wake() } }
    let (shared, runtimes) = (shared, laneRuntimes)
    shared.takeovers?.start(
      install: { takeover in
        let lane = Int(shared.laneOf(takeover.partition))
        return lanes[lane].post { runtimes[lane].value.adopt(takeover) }
      },
      onReady: { shared.becomeReady() })
  }

  private init(_ lanes: [Lane], _ shared: RuntimeShared) {
    self.lanes = lanes
    self.shared = shared
    laneRuntimes = lanes.enumerated().map {
      LaneConfined(LaneRuntime(index: UInt16($0), lane: $1, shared: shared), lane: $1)
    }
  }

  /// Says which partitions of a service the group has assigned to this pod; those that it does not own it takes over.
  /// From any thread.
  public func assign(_ partitions: [PartitionID], of service: Service) {
    shared.takeovers?.assign(partitions, of: service)
  }

  /// Says that nothing of a service is assigned to this pod until `assign` comes again. What it owns it goes on with.
  /// From any thread.
  public func revoke(_ service: Service) { shared.takeovers?.revoke(service) }

  /// Whether partitions of a service are assigned to this pod and could not be taken over so far.
  public func isFailingToTakeOver(_ service: Service) -> Bool { shared.takeovers?.isFailing(service) ?? false }

  /// Who takes a lane's records from the log, for a log whose wake-ups a lane has to watch.
  public func logOwner(ofLane index: Int) -> any LogOwner { laneRuntimes[index].value.signal }

  // MARK: Lanes

  /// Where the requests of a lane enter. Call it on the lane, or before it starts.
  public func port(ofLane index: Int) -> any RequestPort { laneRuntimes[index].value }

  /// Names who is told what becomes of a lane's requests; it is not kept alive. On the lane, or before it starts.
  public func setClient(_ client: any RequestClient, ofLane index: Int) {
    laneRuntimes[index].value.client = client
  }

  /// Starts the lane's timers. Call it once, on the lane.
  public func begin(lane index: Int) {
    laneRuntimes[index].value.begin()
  }

  /// One turn of a lane. Returns whether another should follow at once.
  public func turn(lane index: Int) -> Bool { laneRuntimes[index].value.turn() }

  /// Whether requests came to a lane behind its newest turn: another one has to follow before it sleeps.
  public func hasUnsent(lane index: Int) -> Bool { laneRuntimes[index].value.hasUnsent }

  // MARK: The end

  public var phase: RuntimeReport.Phase { shared.phase }

  /// Refuses new commands, lets what is under way end, and checkpoints. The completion is called once, on a lane.
  ///
  /// - Parameter handoverMilliseconds: how long partitions that other pods may take over are kept for that.
  public func stop(
    answersMilliseconds: UInt64, handoverMilliseconds: UInt64 = 0, completion: @escaping @Sendable () -> Void
  ) {
    shared.phase = .stopping
    shared.takeovers?.end()
    let left = SharedCount(lanes.count)
    for (lane, runtime) in zip(lanes, laneRuntimes) {
      lane.post {
        runtime.value.beginDrain(answersMilliseconds, handoverMilliseconds) {
          if left.decrement() == 0 { completion() }
        }
      }
    }
  }

  /// Waits for takeovers that were under way when it was stopped. Blocking; behind the end of the store, which answers
  /// whoever waits for it.
  public func joinTakeovers() { shared.takeovers?.join() }

  // MARK: Inspection

  public func report(
    timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void
  ) {
    let gathering = ReportGathering(
      laneCount: lanes.count, phase: shared.phase, logFailure: shared.log.failure?.message,
      storeFailure: shared.store.failure?.message, pending: shared.takeovers?.pending ?? [], completion: completion)
    for (lane, runtime) in zip(lanes, laneRuntimes) {
      lane.post { gathering.add(runtime.value.partitionReports, waiting: runtime.value.waitingCount) }
    }
    gathering.giveUp(afterMilliseconds: timeoutMilliseconds)
  }
}

/// A count that several lanes bring down.
final class SharedCount: Sendable {
  private let value: Atomic<Int>
  init(_ value: Int) { self.value = Atomic(value) }
  func decrement() -> Int { value.subtract(1, ordering: .acquiringAndReleasing).newValue }
}
