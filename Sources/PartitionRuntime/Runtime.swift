import EventLog
import Lanes
import Model
import PartitionCore
import Orders
import Payments
import StateStore
import Stock
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

  /// Takes the partitions over from the store. Blocking; the lanes must not have been started.
  ///
  /// - Parameters:
  ///   - report: called on lanes, must not block.
  ///   - onReplayed: called once, on a lane, when everything from before the start has been applied.
  /// - Throws: `StoreFailure`, `LogFailure`.
  public init(
    options: RuntimeOptions, lanes: [Lane], log: any EventLog, store: any StateStore, incarnation: UInt64,
    clock: @escaping @Sendable () -> Timestamp, report: @escaping @Sendable (RuntimeEvent) -> Void,
    onReplayed: @escaping @Sendable () -> Void
  ) throws {
    self.lanes = lanes
    let mailboxes = lanes.map { Mailbox<LaneMessage>($0, messagesMax: options.mailboxMessagesMax) }
    // A partition has one load and one checkpoint under way at most, so these are never full: a result that got lost
    // would hold its partition up for ever.
    let storeResultsMax = 2 * options.partitioner.count * Service.allCases.count
    let storeMailboxes = lanes.map { Mailbox<LaneMessage>($0, messagesMax: storeResultsMax) }
    let shared = RuntimeShared(
      options: options, log: log, store: store, incarnation: incarnation, clock: clock, mailboxes: mailboxes,
      storeMailboxes: storeMailboxes,
      report: report, onReplayed: onReplayed)
    self.shared = shared
    let runtimes = lanes.enumerated().map { LaneRuntime(index: UInt16($0), lane: $1, shared: shared) }
    var offsets = Array(repeating: [PartitionID: Int64](), count: lanes.count)
    for flat in shared.gates.indices {
      let partition = shared.partition(flat)
      let runtime = runtimes[Int(shared.laneOf(partition))]
      let owned = try Self.acquire(partition, shared, on: runtime.lane)
      if owned.replayThrough == -1 { try Self.found(partition, shared) }
      offsets[Int(runtime.index)][partition] = owned.offsetAtBoot
      runtime.own(owned)
    }
    laneRuntimes = runtimes.map { LaneConfined($0, lane: $0.lane) }
    for runtime in runtimes {
      try log.subscribe(runtime.signal, to: offsets[Int(runtime.index)])
    }
  }

  private static func acquire(
    _ partition: PartitionID, _ shared: RuntimeShared, on lane: Lane
  ) throws -> OwnedPartition {
    let ownership = try shared.store.acquire(partition)
    let options = shared.options
    let actor =
      switch partition.service {
      case .orders:
        PartitionEntrance(PartitionActor<OrdersMachine>(partition, options, ownership.recovery, on: lane))
      case .stock:
        PartitionEntrance(PartitionActor<StockMachine>(partition, options, ownership.recovery, on: lane))
      case .payments:
        PartitionEntrance(PartitionActor<PaymentsMachine>(partition, options, ownership.recovery, on: lane))
      }
    return OwnedPartition(
      id: partition, actor: actor, gate: shared.gates[shared.flat(partition)], epoch: ownership.epoch,
      offsetAtBoot: ownership.recovery.header?.offset ?? -1, replayThrough: shared.log.nextOffset(of: partition) - 1)
  }

  /// Begins a partition's log with the version of the rules that it follows.
  private static func found(_ partition: PartitionID, _ shared: RuntimeShared) throws {
    let entry = Entry(time: shared.clock(), body: .control(.rules(version: Rules.current)))
    let record = Append(partition: partition, record: Record(entries: [entry]), isRefusable: false)
    _ = try shared.log.append([record], by: nil)
  }

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
  public func stop(answersMilliseconds: UInt64, completion: @escaping @Sendable () -> Void) {
    shared.phase = .stopping
    let left = SharedCount(lanes.count)
    for (lane, runtime) in zip(lanes, laneRuntimes) {
      lane.post {
        runtime.value.beginDrain(answersMilliseconds: answersMilliseconds) {
          if left.decrement() == 0 { completion() }
        }
      }
    }
  }

  // MARK: Inspection

  public func report(
    timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void
  ) {
    let gathering = ReportGathering(
      laneCount: lanes.count, phase: shared.phase, logFailure: shared.log.failure?.message,
      storeFailure: shared.store.failure?.message, completion: completion)
    for (lane, runtime) in zip(lanes, laneRuntimes) {
      lane.post { gathering.add(runtime.value.partitionReports, waiting: runtime.value.waitingCount) }
    }
    gathering.giveUp(afterMilliseconds: timeoutMilliseconds)
  }
}

/// A count that several lanes bring down.
private final class SharedCount: Sendable {
  private let value: Atomic<Int>
  init(_ value: Int) { self.value = Atomic(value) }
  func decrement() -> Int { value.subtract(1, ordering: .acquiringAndReleasing).newValue }
}
