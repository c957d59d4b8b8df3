import Ports
import Lanes
import Model
import PartitionCore
import Synchronization
import Tenancy

/// What the lanes of one process share. Everything in it may be used from any lane.
final class OwnerShared: Sendable {
  let options: RuntimeOptions
  let mode: LogMode
  let log: any RecordLog
  /// The log, if other pods use it too.
  let sharedLog: (any SharedRecordLog)?
  let store: any StateStore
  /// What other systems write; nil where nobody may.
  let ingest: (any IngestLog)?
  /// Chosen afresh at every start; request ids and tenures carry it.
  let run: UInt64
  /// The time that goes into records.
  let clock: @Sendable () -> Timestamp
  /// By lane: what other lanes ask and report.
  let mailboxes: [Mailbox<OwnerMessage>]
  /// By lane: what became of its loads and checkpoints.
  let storeMailboxes: [Mailbox<OwnerMessage>]
  let gates: [PartitionGate]
  /// What the partitions hold in memory together.
  let memory: MemoryPool
  /// The other pods, and what takes partitions over; nil where nobody else can own any.
  let link: PodLink?
  let takeovers: Takeovers?
  private let report: @Sendable (RuntimeEvent) -> Void
  let unserved = UnservedPartitions()
  private let phaseFlag = PhaseFlag()
  private let agreed: AgreedRules
  private let replaying: Atomic<Int>
  private let answering: Atomic<Int>
  private let onReplayed: @Sendable () -> Void

  /// The newest rules that all live pods know: who takes a partition over must be able to follow its rules.
  var wantedRules: UInt32 { agreed.rules }

  /// Notes which pods exist at a time of the lane's clock. One lane does it for all.
  func follow(_ map: OwnershipSnapshot, at now: UInt64) {
    agreed.follow(map, at: now, settlingMilliseconds: options.rulesSettlingMilliseconds)
  }

  init(
    options: RuntimeOptions, log: any RecordLog, store: any StateStore, run: UInt64,
    clock: @escaping @Sendable () -> Timestamp, lanes: [Lane],
    report: @escaping @Sendable (RuntimeEvent) -> Void, onReplayed: @escaping @Sendable () -> Void,
    cluster: (link: PodLink, log: any SharedRecordLog)? = nil, ingest: (any IngestLog)? = nil
  ) {
    self.options = options
    mode = cluster == nil ? .embedded : .shared
    agreed = AgreedRules(cluster == nil ? Rules.current : Rules.oneWriter)
    self.log = log
    self.ingest = ingest
    sharedLog = cluster?.log
    link = cluster?.link
    takeovers = cluster.map { link, log in
      Takeovers(
        readBounds: { partitions throws(LogFailure) in try log.readBounds(of: partitions) }, store: store,
        owns: link.owns, leaseMilliseconds: link.leaseMilliseconds,
        announcedEpoch: { link.ownership.snapshot().owner(of: $0)?.epoch ?? 0 },
        onTaken: { report(.tookOver($0, epoch: $1, storeMilliseconds: $2.store, logMilliseconds: $2.log)) },
        onFailure: { report(.takeoverFailed($0, $1)) })
    }
    self.store = store
    self.run = run
    self.clock = clock
    mailboxes = lanes.map { Mailbox<OwnerMessage>($0, messagesMax: options.mailboxMessagesMax) }
    // A partition has one load and one checkpoint under way at most, so these are never full: a lost result would
    // hold up its partition forever. After an owner's end its results may still arrive, alongside the next one's. A
    // lane reads one page of orders at a time.
    let storeResultsMax = 4 * options.partitioner.count * Service.allCases.count + 1
    storeMailboxes = lanes.map { Mailbox<OwnerMessage>($0, messagesMax: storeResultsMax) }
    memory = MemoryPool(residentMax: options.core.residentMax, dirtyMax: options.core.dirtyMax)
    self.report = report
    self.onReplayed = onReplayed
    let count = options.partitioner.count * Service.allCases.count
    gates = (0..<count).map { _ in PartitionGate(cluster == nil ? .replaying : .elsewhere) }
    replaying = Atomic(count)
    answering = Atomic(options.laneCount)
  }

  // MARK: Partitions

  /// A partition's index in tables over all partitions.
  func flat(_ partition: PartitionID) -> Int {
    Int(partition.service.rawValue) * options.partitioner.count + Int(partition.index)
  }

  func partition(_ flat: Int) -> PartitionID {
    let service = Service(rawValue: UInt8(flat / options.partitioner.count)) ?? .orders
    return PartitionID(service, UInt16(flat % options.partitioner.count))
  }

  /// The bounds of each tenure.
  var limits: TenancyLimits {
    var limits = TenancyLimits()
    limits.core = options.core
    limits.stream = options.stream
    if let link { limits.leaseMilliseconds = link.leaseMilliseconds }
    return limits
  }

  /// How the log names this process as an owner.
  var address: String { link?.address ?? "local" }

  /// The lane that owns a partition: partitions are dealt out in turn, so that each lane has a share of each service.
  func laneOf(_ partition: PartitionID) -> Int { Int(partition.index) % options.laneCount }

  // MARK: Phases

  var phase: RuntimeReport.Phase {
    get { phaseFlag.phase }
    set { phaseFlag.phase = newValue }
  }

  /// A partition has applied everything the log held when it got its owner, or will apply nothing more.
  func replayed(_ partition: PartitionID) {
    if let takeovers { return takeovers.replayed(partition) }
    guard replaying.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    becomeReady()
  }

  func becomeReady() {
    phaseFlag.becomeRunning()
    onReplayed()
  }

  /// Notes that a partition has to be replayed again.
  func replaysAgain() { replaying.add(1, ordering: .acquiringAndReleasing) }

  /// Notes that on one more lane nobody waits for an answer.
  func laneAnswered() { answering.subtract(1, ordering: .acquiringAndReleasing) }

  /// Whether no lane will send further commands: what is checkpointed then stays so.
  var isAnswered: Bool { answering.load(ordering: .acquiring) == 0 }

  // MARK: Events

  func partitionStopped(_ partition: PartitionID, offset: Int64, reason: String) {
    report(.partitionStopped(partition, offset: offset, reason: reason))
  }

  func partitionLost(_ partition: PartitionID, _ reason: String) {
    report(.partitionBroke(partition, offset: -1, reason: reason))
  }

  func logFailed(_ failure: LogFailure) { report(.logFailed(failure.message)) }

  func ordersRemoved(_ partition: PartitionID, _ count: UInt64) { report(.ordersRemoved(partition, count)) }

  func storeFailed(_ partition: PartitionID, _ failure: StoreFailure) {
    report(.storeFailed(partition, failure.message))
  }
}
