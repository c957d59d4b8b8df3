import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Synchronization

/// All partitions of a process on its lanes: boot, replay, orderly shutdown, and what the operator sees.
///
/// ```
/// starting ──every partition has replayed──► running ──stop──► stopping
/// ```
public final class OwnerRuntime: RuntimeInspection {
  public let lanes: [Lane]
  let shared: OwnerShared
  private let owners: [LaneConfined<OwnerLane>]

  /// Takes the partitions over from the store. Blocking; the lanes must not have been started.
  ///
  /// - Parameters:
  ///   - run: chosen afresh at every start.
  ///   - report: called on lanes, must not block.
  ///   - onReplayed: called once, on any thread, when everything from before the start has been applied.
  /// - Throws: `StoreFailure`.
  package convenience init(
    options: RuntimeOptions, lanes: [Lane], log: any RecordLog, store: any StateStore, run: UInt64,
    clock: @escaping @Sendable () -> Timestamp, report: @escaping @Sendable (RuntimeEvent) -> Void,
    onReplayed: @escaping @Sendable () -> Void
  ) throws(StoreFailure) {
    self.init(
      lanes,
      OwnerShared(
        options: options, log: log, store: store, run: run, clock: clock, lanes: lanes, report: report,
        onReplayed: onReplayed))
    for flat in shared.gates.indices {
      let partition = shared.partition(flat)
      owners[shared.laneOf(partition)].value.own(partition, try store.acquire(partition))
    }
  }

  /// Makes one of several: it owns what it is assigned (`assign`), until the log says that another does. The lanes
  /// must not be running yet.
  ///
  /// - Parameters:
  ///   - run: higher than those of all runs before, of all pods.
  ///   - ingest: what other systems write; nil where nobody may.
  ///   - report: called on any thread, must not block.
  ///   - onReplayed: called once, on any thread, when the first assignment of each service that the pod owns partitions
  ///     of has been taken over and replayed.
  package convenience init(
    options: RuntimeOptions, lanes: [Lane], log: any SharedRecordLog, store: any StateStore, run: UInt64,
    link: PodLink, ingest: (any IngestLog)? = nil, clock: @escaping @Sendable () -> Timestamp,
    report: @escaping @Sendable (RuntimeEvent) -> Void,
    onReplayed: @escaping @Sendable () -> Void
  ) {
    self.init(
      lanes,
      OwnerShared(
        options: options, log: log, store: store, run: run, clock: clock, lanes: lanes, report: report,
        onReplayed: onReplayed, cluster: (link, log), ingest: ingest))
    link.ownership.follow { for lane in lanes { lane.wake() } }
    let (shared, owners) = (shared, owners)
    ingest?.attach { [mailboxes = shared.mailboxes] in
      mailboxes[Int($0.partition.index) % mailboxes.count].post([.ingest($0)])
    }
    shared.takeovers?.start(
      install: { takeover in
        let lane = shared.laneOf(takeover.partition)
        return lanes[lane].post { owners[lane].value.adopt(takeover) }
      },
      onReady: { shared.becomeReady() })
  }

  private init(_ lanes: [Lane], _ shared: OwnerShared) {
    self.lanes = lanes
    self.shared = shared
    owners = lanes.enumerated().map {
      LaneConfined(OwnerLane(index: $0, lane: $1, shared: shared), lane: $1)
    }
    shared.log.attach(lanes.map { LogSignal($0) })
  }

  /// Sets which partitions of a service the group has assigned to this pod; it takes over those it does not own. From
  /// any thread.
  public func assign(_ partitions: [PartitionID], of service: Service) {
    shared.takeovers?.assign(partitions, of: service)
  }

  /// Records that nothing of a service is assigned to this pod until the next `assign`. It keeps what it owns. From any
  /// thread.
  public func revoke(_ service: Service) { shared.takeovers?.revoke(service) }

  /// Whether partitions of a service are assigned to this pod but could not be taken over so far.
  public func isFailingToTakeOver(_ service: Service) -> Bool { shared.takeovers?.isFailing(service) ?? false }

  // MARK: Lanes

  /// Where a lane's requests enter. Call it on the lane, or before it starts.
  public func port(ofLane index: Int) -> any RequestPort { owners[index].value }

  /// Sets who receives the results of a lane's requests; it is not kept alive. On the lane, or before it starts.
  public func setClient(_ client: any RequestClient, ofLane index: Int) { owners[index].value.client = client }

  /// Starts the lane's timers. Call it once, on the lane.
  public func begin(lane index: Int) { owners[index].value.begin() }

  /// One turn of a lane. Returns whether another should follow immediately.
  public func turn(lane index: Int) -> Bool { owners[index].value.turn() }

  /// Whether requests reached a lane after its newest turn: another turn must follow before it sleeps.
  public func hasUnsent(lane index: Int) -> Bool { owners[index].value.hasUnsent }

  // MARK: The end

  public var phase: RuntimeReport.Phase { shared.phase }

  /// Refuses new commands, lets what is under way finish, and checkpoints. The completion is called once, on a lane.
  ///
  /// - Parameter handoverMilliseconds: how long to keep partitions for other pods to take over.
  public func stop(
    answersMilliseconds: UInt64, handoverMilliseconds: UInt64 = 0, completion: @escaping @Sendable () -> Void
  ) {
    shared.phase = .stopping
    shared.takeovers?.end()
    let left = SharedCount(lanes.count)
    for (lane, owner) in zip(lanes, owners) {
      lane.post {
        owner.value.beginDrain(answersMilliseconds, handoverMilliseconds) {
          if left.decrement() == 0 { completion() }
        }
      }
    }
  }

  /// Waits for takeovers that were under way at the stop. Blocking; call it after the store has closed, which answers
  /// all who wait for it.
  public func joinTakeovers() { shared.takeovers?.join() }

  // MARK: Inspection

  public var finalFailure: String? { shared.log.failure?.message ?? shared.store.failure?.message }

  public func report(timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void) {
    let gathering = ReportGathering(
      laneCount: lanes.count, phase: shared.phase, logFailure: shared.log.failure?.message,
      storeFailure: shared.store.failure?.message, pending: shared.takeovers?.pending ?? [], completion: completion)
    for (lane, owner) in zip(lanes, owners) {
      lane.post { gathering.add(owner.value.partitionReports, waiting: owner.value.waitingCount) }
    }
    gathering.giveUp(afterMilliseconds: timeoutMilliseconds)
  }
}

/// Wakes a lane on behalf of the log.
private final class LogSignal: LogLane {
  private let lane: Lane
  init(_ lane: Lane) { self.lane = lane }
  func logHasNews() { lane.wake() }
}

extension OwnerLane {
  /// Learns what the map says, and starts the lane's ticks.
  func begin() {
    mapChanged()
    let interval = UInt64(shared.options.checkpointIntervalMilliseconds)
    for place in seats.indices {
      seats[place].checkpointClock = CheckpointClock(from: lane.now, every: interval, share: place, of: seats.count)
      // An invalid checkpoint has already ended its owner.
      change(at: place) { $0.standing(&$1) }
    }
    lane.every(milliseconds: UInt64(shared.options.idleTickMilliseconds)) { [weak self] in self?.tick() }
    lane.wake()
  }

  var partitionReports: [PartitionReport] {
    seats.filter { !$0.isGone || $0.stopReason != nil || pods == nil }.map { seat in
      let state = seat.entrance.state()
      let status: PartitionReport.Status =
        if let reason = seat.stopReason {
          .stopped(offset: state.durableOffset + 1, reason: reason)
        } else if let failure = seat.loadFailure, state.awaitsLoad {
          .waitingForStore(reason: failure)
        } else {
          state.isReplaying ? .replaying : .running
        }
      return PartitionReport(
        partition: seat.id, status: status, lane: index, epoch: seat.owner.epoch, appliedOffset: state.durableOffset,
        checkpointedOffset: seat.checkpointedOffset,
        checkpointAgeMilliseconds: seat.behindSince.map { Int64(lane.now - min($0, lane.now)) } ?? 0,
        queuedRecords: state.queuedInputs, residentEntities: state.residentCount, dirtyEntities: state.dirtyCount,
        parkedCheckouts: state.parkedCount, unconfirmedMessages: state.unconfirmedMessages,
        recordsApplied: state.counters.recordsApplied,
        entriesApplied: state.counters.entriesApplied, dedupDrops: state.counters.dedupDrops,
        loads: state.counters.loads, checkpoints: state.counters.checkpoints,
        checkpointsFailed: state.counters.checkpointsFailed, evictions: state.counters.evictions,
        appendAgeMilliseconds: seat.isGone ? 0 : appendAge(of: seat), ordersRemoved: state.counters.ordersRemoved)
    }
  }
}

extension OwnerLane {
  /// How long the oldest record of a partition has waited for the log; 0 without one.
  private func appendAge(of seat: Seat) -> Int64 {
    seat.entrance.unconfirmedSince().map { max(0, now - $0) } ?? 0
  }
}

/// A count that several lanes decrement.
private final class SharedCount: Sendable {
  private let value: Atomic<Int>
  init(_ value: Int) { self.value = Atomic(value) }
  func decrement() -> Int { value.subtract(1, ordering: .acquiringAndReleasing).newValue }
}
