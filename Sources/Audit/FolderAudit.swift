import Model
import PartitionCore
import SQLiteLog
import SQLiteStore
import Wire

/// Audits a data folder: does the store hold what the log says, and are stock and money conserved?
///
/// 1. *Store = replay.* Where the log still has a partition's records from the first on, they are replayed from
///    nothing up to the partition's checkpoint, and the hash of the state is compared with that of the store's rows.
/// 2. *Conservation.* The log's tail is replayed over the store until every checkout has ended, and the accounts
///    of orders, stock and payments are held against each other.
public struct FolderAudit: Sendable {
  /// What an audit found.
  public struct Report: Sendable {
    public var totals: AuditTotals
    /// Sentences; none means that all is well.
    public var findings: [String]
    /// Records of the log's tail that the store did not include.
    public var recordsReplayed: Int
    /// Partitions whose whole history was replayed and compared with the store.
    public var partitionsCompared: Int
    /// Partitions whose log was trimmed behind their checkpoint, so that step 1 is not possible.
    public var partitionsTrimmed: Int
    /// The hash of all rows of the store.
    public var storeHash: StateHash

    public var isSound: Bool { totals.findings == 0 }
  }

  /// Runs the audit. `progress` gets the number of log records read so far.
  /// - Throws: `DataFolderFailure`, `LogFailure`, `StoreFailure` when the folder cannot be read or a row not decoded.
  public static func run(path: String, progress: (Int) -> Void = { _ in }) throws -> Report {
    let state = try FolderState(path: path, progress: progress)
    var conservation = Conservation()
    for partition in state.partitions {
      if case .stopped(let offset, let reason) = state.status(of: partition) {
        conservation.find("\(partition) stops at offset \(offset): \(reason)")
      }
      try state.forEachEntity(of: partition) { key, entity in
        conservation.check(key, entity, in: partition)
      }
    }
    conservation.finish(
      orders: sum(.orders, state), stock: sum(.stock, state), payments: sum(.payments, state))
    var comparison = try Comparison(state)
    try comparison.run(progress)
    for finding in comparison.findings { conservation.find(finding) }
    return Report(
      totals: conservation.totals, findings: conservation.findings, recordsReplayed: state.recordsReplayed,
      partitionsCompared: comparison.compared, partitionsTrimmed: comparison.trimmed,
      storeHash: comparison.storeHash)
  }

  private static func sum(_ service: Service, _ state: FolderState) -> Ledger {
    state.partitions.filter { $0.service == service }.reduce(into: Ledger()) { sum, partition in
      let ledger = state.ledger(of: partition)
      sum.checkouts &+= ledger.checkouts
      sum.checkoutMoney &+= ledger.checkoutMoney
      sum.unitsSold &+= ledger.unitsSold
    }
  }
}

/// Holds the store's rows against a replay of the whole log.
private struct Comparison {
  private let state: FolderState
  private(set) var findings: [String] = []
  private(set) var compared = 0
  private(set) var trimmed = 0
  private(set) var storeHash = StateHash()
  private var loops: [PartitionID: any ReplayPartition] = [:]

  init(_ state: FolderState) throws {
    self.state = state
    for partition in state.partitions {
      guard state.headers[partition] != nil else { continue }
      if let offsets = try state.log.offsets(of: partition), offsets.lowerBound == 0, !offsets.isEmpty {
        loops[partition] = makeReplayPartition(
          partition, state.partitioner, Recovery(header: nil, pinned: []))
      } else {
        trimmed += 1
      }
    }
  }

  mutating func run(_ progress: (Int) -> Void) throws {
    if !loops.isEmpty {
      try state.forEachRecord { delivery, count in
        guard let loop = loops[delivery.partition], let header = state.headers[delivery.partition],
          delivery.offset <= header.offset
        else { return }
        // Started from nothing, so what is not in memory does not exist.
        _ = try loop.apply(delivery) { _ in nil }
        progress(count)
      }
    }
    for partition in state.partitions { try compare(partition) }
  }

  private mutating func compare(_ partition: PartitionID) throws {
    guard let header = state.headers[partition] else { return }
    var stored = StateHash()
    try state.store.forEachEntity(of: partition) { key, entity in
      // Expired records are deleted some time after they expired: they count as gone.
      if case .idempotency(let record) = entity, record.expiry <= header.now { return }
      stored.insert(key, entity)
    }
    storeHash.combine(stored)
    guard let loop = loops[partition] else { return }
    var replayed = StateHash()
    loop.forEachEntity { replayed.insert($0, $1) }
    compared += 1
    if stored != replayed || loop.appliedOffset != header.offset {
      findings.append(
        "\(partition): the store at offset \(header.offset) hashes to \(stored), the replay of its log at offset "
          + "\(loop.appliedOffset) to \(replayed)")
    }
  }
}
