import Ports
import Model
import Orders
import PartitionCore
import Payments
import Stock
import Streams
import Tenancy

/// One partition's real machine, fed by an audit instead of a lane: a tenancy that only replays, because its own
/// `Owned` never comes.
final class TenancyReplay {
  let partition: PartitionID
  /// The offset of the newest record it has passed.
  private(set) var appliedOffset: Int64
  /// Records that leave no trace, and sentences about those that should not exist.
  private(set) var voidRecords = 0
  private(set) var findings: [String] = []
  private let isShared: Bool
  private var tenancy: any AuditedTenancy
  private var actions = TenancyActions()
  /// Judges the records a second time, to say why one is void.
  private var filter: RecordFilter

  /// Above every owner of the log.
  private static let owner = OwnerID(epoch: .max, run: 0)
  /// The most findings listed per partition.
  static let findingsMax = 20

  /// Starts from what a store has; if that is nothing, from the partition's first record.
  /// - Parameters:
  ///   - isShared: whether several processes write the log, which leaves void records in it.
  ///   - keepsReplies: whether `takeReplies` is called after each record.
  init(
    _ partition: PartitionID, _ partitioner: Partitioner, _ recovery: Recovery, isShared: Bool,
    keepsReplies: Bool = false
  ) {
    self.partition = partition
    self.isShared = isShared
    appliedOffset = recovery.header?.offset ?? -1
    filter = RecordFilter(owner: recovery.header?.owner, number: recovery.header?.number ?? 0)
    func make<Machine: StateMachine>(_: Machine.Type) -> any AuditedTenancy {
      Tenancy<Machine>(
        partition: partition, owner: Self.owner, partitioner: partitioner, mode: keepsReplies ? .shared : .embedded,
        limits: TenancyLimits(),
        wantedLimits: .initial, wantedRules: Rules.oldest, recovery: recovery)
    }
    switch partition.service {
    case .orders: tenancy = make(OrdersMachine.self)
    case .stock: tenancy = make(StockMachine.self)
    case .payments: tenancy = make(PaymentsMachine.self)
    }
  }

  /// Applies the next records, loading what they need.
  func apply(_ records: [LoggedRecord], load: EntityLoad) throws {
    for record in records {
      guard tenancy.isReplaying else { return }
      switch record.content {
      case .undecodable(let reason):
        tenancy.deliverUndecodable(reason, at: record.offset)
        try advance(load)
      case .record(let logged):
        judge(logged, at: record.offset)
        tenancy.deliver(logged, at: record.offset)
        try advance(load)
      }
      if tenancy.isReplaying { appliedOffset = record.offset }
    }
  }

  private func judge(_ record: LogRecord, at offset: Int64) {
    guard case .void(let reason) = filter.judge(record) else { return }
    voidRecords += 1
    // With a store that was set back, an owner may have announced an epoch twice. Nobody else writes at the same time
    // as an owner.
    guard !isShared, let number = record.number, findings.count < Self.findingsMax else { return }
    findings.append(
      "\(partition): record \(number) of \(record.owner) at offset \(offset) leaves no trace: \(reason.rawValue); "
        + "a folder has one writer, who never wrote it there")
  }

  private func advance(_ load: EntityLoad) throws {
    while tenancy.canAdvanceReplay {
      actions.removeAll()
      tenancy.advanceReplay(at: 0, into: &actions)
      while !actions.loads.isEmpty {
        let keys = actions.loads
        actions.removeAll()
        tenancy.loaded(try load(keys), at: 0, into: &actions)
      }
    }
  }

  /// Takes the messages that were caused since the last call, or kept by the store, each stream's in order.
  func takeMessages() -> [OutboxRow] { tenancy.takeMessages() }

  /// Takes what became of commands since the last call, or of those whose replies the store kept.
  func takeReplies() -> [CommandReply] { tenancy.takeReplies() }

  /// Applies a message of another partition that its log does not have, as a restart would; a repetition is dropped.
  func receive(_ message: OutboxRow, from source: PartitionID, load: EntityLoad) throws {
    // Every receiver drops what follows a gap, forever.
    guard tenancy.isReplaying, message.number == tenancy.receivedNumber(of: source) + 1 else { return }
    if filter.owner == nil, let first = Owner(epoch: 1, incarnation: 1, address: "audit") {
      try append(.owned(first), load)
    }
    guard let owner = filter.owner else { return }
    let entry = LoggedInput(
      origin: .init(source: .partition(source), number: message.number), body: .message(message.message))
    // The partition's time stands still.
    try append(
      .turn(TurnRecord(owner: owner, number: tenancy.number + 1, time: .zero, entries: [entry])), load)
  }

  private func append(_ record: LogRecord, _ load: EntityLoad) throws {
    _ = filter.judge(record)
    tenancy.deliver(record, at: appliedOffset + 1)
    try advance(load)
    if tenancy.isReplaying { appliedOffset += 1 }
  }

  /// The partitions for which it caused messages.
  var destinations: [PartitionID] { tenancy.causedDestinations }

  /// Whether it has messages of `sender` that `sender` has not caused yet.
  func lacks(_ sender: TenancyReplay) -> Bool {
    // A partition that stops caused more than can be seen.
    tenancy.receivedNumber(of: sender.partition) > sender.tenancy.causedNumber(for: partition)
      && sender.tenancy.isReplaying
  }

  /// What it means if `sender` never causes them.
  func lack(of sender: TenancyReplay) -> String {
    "\(partition) has message \(tenancy.receivedNumber(of: sender.partition)) of \(sender.partition), whose log causes "
      + "\(sender.tenancy.causedNumber(for: partition)) for it"
  }

  /// A sentence about messages that `sender` caused but nobody can deliver any more; nil if there are none.
  func loss(of sender: TenancyReplay) -> String? {
    let received = tenancy.receivedNumber(of: sender.partition)
    let caused = sender.tenancy.causedNumber(for: partition)
    guard received < caused, tenancy.isReplaying, sender.tenancy.isReplaying else { return nil }
    return "\(partition) has \(received) messages of \(sender.partition), which caused \(caused) for it and does not "
      + "keep the next one"
  }

  var status: PartitionStatus {
    let offset = appliedOffset + 1
    switch tenancy.ending {
    case nil where tenancy.isReplaying: return .running
    case .stopped(_, let reason): return .stopped(offset: offset, reason: reason)
    case .superseded(let owner): return .superseded(offset: offset, by: owner.epoch)
    case .lost(let loss, _): return .broken(offset: offset, reason: loss.rawValue)
    case nil, .left: return .broken(offset: offset, reason: "its owner has the last epoch that there is")
    }
  }

  /// Which entry of the record after `appliedOffset` cannot be applied, from 0; nil if none is to blame.
  var poisonousEntry: Int? { tenancy.poisonousEntry }
  /// The partition's own row, as a checkpoint would write it now.
  var header: CheckpointHeader { tenancy.header }

  /// Whether a checkpoint agrees with that.
  func agrees(with checkpoint: CheckpointHeader) -> Bool {
    let replayed = header
    if replayed == checkpoint { return true }
    // An owner may write its predecessor's state before it appends anything: it announces itself later.
    guard let owner = checkpoint.owner, owner.epoch > replayed.owner?.epoch ?? 0 else { return false }
    return replayed
      == CheckpointHeader(
        partition: checkpoint.partition, owner: replayed.owner, number: checkpoint.number,
        isReleased: checkpoint.isReleased, offset: checkpoint.offset,
        now: checkpoint.now, rulesVersion: checkpoint.rulesVersion, limits: checkpoint.limits,
        dedup: checkpoint.dedup, ledger: checkpoint.ledger, received: checkpoint.received, caused: checkpoint.caused)
  }

  func forEachEntity(_ body: (EntityKey, Entity) -> Void) { tenancy.forEachEntity(body) }
  /// Takes every entity that has changed since the start.
  func takeChanges() -> [EntityChange] { tenancy.takeChanges() }
}

/// Loads entities from a store; nil for missing ones, in the order of the keys.
typealias EntityLoad = ([EntityKey]) throws -> [EntityChange]

/// The tenancy of a partition of any service.
private protocol AuditedTenancy: TenancyDriver {
  var header: CheckpointHeader { get }
  var poisonousEntry: Int? { get }
  var causedDestinations: [PartitionID] { get }
  func receivedNumber(of source: PartitionID) -> UInt64
  func causedNumber(for destination: PartitionID) -> UInt64
  mutating func takeMessages() -> [OutboxRow]
  mutating func takeChanges() -> [EntityChange]
  mutating func takeReplies() -> [CommandReply]
}

extension Tenancy: AuditedTenancy {}
