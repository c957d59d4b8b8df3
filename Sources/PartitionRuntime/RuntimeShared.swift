import EventLog
import Lanes
import Model
import OwnershipMap
import PartitionCore
import StateStore
import Synchronization
import Telemetry

/// What the lanes of one process share. Everything in it may be used from any lane.
final class RuntimeShared: Sendable {
  let options: RuntimeOptions
  let log: any EventLog
  let store: any StateStore
  /// Chosen anew at every start; request ids carry it.
  let incarnation: UInt64
  /// Tells the time that goes into records.
  let clock: @Sendable () -> Timestamp
  /// By lane: what other lanes ask and tell.
  let mailboxes: [Mailbox<LaneMessage>]
  /// By lane: what became of its loads and checkpoints.
  let storeMailboxes: [Mailbox<LaneMessage>]
  let gates: [PartitionGate]
  /// What the partitions hold in memory together.
  let memory: MemoryPool
  /// The other pods, and what takes partitions over; nil where nobody else can own any.
  let cluster: ClusterLink?
  let takeovers: Takeovers?
  /// The log, where partitions can be paused; nil where nobody else can own any.
  let sharedLog: (any SharedLog)?
  private let report: @Sendable (RuntimeEvent) -> Void
  private let phaseFlag = PhaseFlag()
  private let replaying: Atomic<Int>
  private let answering: Atomic<Int>
  private let onReplayed: @Sendable () -> Void

  init(
    options: RuntimeOptions, log: any EventLog, store: any StateStore, incarnation: UInt64,
    clock: @escaping @Sendable () -> Timestamp, lanes: [Lane],
    report: @escaping @Sendable (RuntimeEvent) -> Void, onReplayed: @escaping @Sendable () -> Void,
    cluster: (link: ClusterLink, log: any SharedLog)? = nil
  ) {
    self.options = options
    self.log = log
    self.store = store
    self.incarnation = incarnation
    self.clock = clock
    mailboxes = lanes.map { Mailbox<LaneMessage>($0, messagesMax: options.mailboxMessagesMax) }
    // A partition has one load and one checkpoint under way at most, so these are never full: a result that got lost
    // would hold its partition up for ever. With an owner's end its results may still come, beside the next one's.
    let storeResultsMax = 4 * options.partitioner.count * Service.allCases.count
    storeMailboxes = lanes.map { Mailbox<LaneMessage>($0, messagesMax: storeResultsMax) }
    memory = MemoryPool(residentMax: options.core.residentMax, dirtyMax: options.core.dirtyMax)
    self.report = report
    self.onReplayed = onReplayed
    let count = options.partitioner.count * Service.allCases.count
    gates = (0..<count).map { _ in PartitionGate(cluster == nil ? .replaying : .elsewhere) }
    replaying = Atomic(count)
    answering = Atomic(options.laneCount)
    self.cluster = cluster?.link
    sharedLog = cluster?.log
    takeovers = cluster.map { link, log in
      Takeovers(
        readBounds: { partitions throws(LogFailure) in try log.readBounds(of: partitions) }, store: store, owns: link.owns, leaseMilliseconds: link.leaseMilliseconds,
        announcedEpoch: { link.ownership.snapshot().owner(of: $0)?.epoch ?? 0 },
        onTaken: { report(.tookOver($0, epoch: $1, storeMilliseconds: $2.store, logMilliseconds: $2.log)) },
        onFailure: { report(.takeoverFailed($0, $1)) })
    }
  }

  // MARK: Partitions

  /// The place of a partition in tables over all partitions.
  func flat(_ partition: PartitionID) -> Int {
    Int(partition.service.rawValue) * options.partitioner.count + Int(partition.index)
  }

  func partition(_ flat: Int) -> PartitionID {
    let service = Service(rawValue: UInt8(flat / options.partitioner.count)) ?? .orders
    return PartitionID(service, UInt16(flat % options.partitioner.count))
  }

  /// The lane that owns a partition: partitions are dealt out in turn, so that each lane has a share of each service.
  func laneOf(_ partition: PartitionID) -> UInt16 { partition.index % UInt16(options.laneCount) }

  // MARK: Phases

  var phase: RuntimeReport.Phase {
    get { phaseFlag.phase }
    set { phaseFlag.phase = newValue }
  }

  /// A partition has applied everything that the log held when it got its owner.
  func replayed(_ partition: PartitionID) {
    if let takeovers { return takeovers.replayed(partition) }
    if replaying.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { becomeReady() }
  }

  func becomeReady() {
    phaseFlag.becomeRunning()
    onReplayed()
  }

  /// One more lane has nobody who waits for an answer.
  func laneAnswered() { answering.subtract(1, ordering: .acquiringAndReleasing) }

  /// Whether no lane will send commands any more: what is checkpointed then stays so.
  var isAnswered: Bool { answering.load(ordering: .acquiring) == 0 }

  // MARK: Events

  func partitionStopped(_ partition: PartitionID, _ state: PartitionState) {
    switch state.status {
    case .stopped(let offset, let reason), .broken(let offset, let reason):
      report(.partitionStopped(partition, offset: offset, reason: reason))
    case .running, .superseded: break
    }
  }

  func partitionBroke(_ partition: PartitionID, offset: Int64, reason: String) {
    report(.partitionBroke(partition, offset: offset, reason: reason))
  }

  func storeFailed(_ partition: PartitionID, _ failure: StoreFailure) {
    report(.storeFailed(partition, failure.message))
  }

  func mailRefused(_ count: Int) { report(.mailRefused(count)) }

  func peerRefused(_ count: Int) { report(.peerRefused(count)) }
}

/// Something that an operator should know.
public enum RuntimeEvent: Sendable {
  case partitionStopped(PartitionID, offset: Int64, reason: String)
  /// A partition's log broke off; it is taken over anew.
  case partitionBroke(PartitionID, offset: Int64, reason: String)
  case storeFailed(PartitionID, String)
  /// A lane's mailbox was full; so many answers were lost, and their requests time out.
  case mailRefused(Int)
  /// So many answers did not reach the pod that asked: it is gone, or does not read.
  case peerRefused(Int)
  /// A partition has been acquired; how long the store and the log took for it.
  case tookOver(PartitionID, epoch: UInt64, storeMilliseconds: UInt64, logMilliseconds: UInt64)
  /// A partition could not be taken over; it is tried again.
  case takeoverFailed(PartitionID, String)
}
