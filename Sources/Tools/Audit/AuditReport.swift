import Model
import PartitionCore
import Wire

/// What an audit found.
package struct AuditReport: Sendable {
  package var totals: AuditTotals
  /// Sentences; empty if all is well.
  package var findings: [String]
  /// Records of the log's tail that the store did not include.
  package var recordsReplayed: Int
  /// Partitions whose whole history was replayed and compared with the store.
  package var partitionsCompared: Int
  /// Partitions whose log no longer begins with their first record, so that this is impossible.
  package var partitionsTrimmed: Int
  /// Partitions whose rows were compared with what their checkpoints say that they add up to, and those whose
  /// checkpoints do not say it.
  package var partitionsTotalled: Int
  package var partitionsUntotalled: Int
  /// Records that leave no trace in the state.
  package var voidRecords: Int
  /// The hash of all the store's rows.
  package var storeHash: StateHash

  package var isSound: Bool { totals.findings == 0 }
}

/// Audits a log and a store: does the store match the log, and are stock and money conserved?
///
/// 1. *Store = replay.* If the log still has all of a partition's records, they are replayed from nothing up to the
///    partition's checkpoint, and the hash of the state is compared with that of the store's rows.
/// 2. *Store = totals.* The rows of each partition are counted and hashed, and compared with what the checkpoint that
///    wrote them says. This needs no log.
/// 3. *Conservation.* The log's tail is replayed over the store until every checkout has ended, and the accounts of
///    orders, stock and payments are compared.
extension AuditReport {
  /// Runs the audit. `progress` gets the number of log records read so far.
  /// - Throws: `LogFailure`, `StoreFailure` if something cannot be read or a row cannot be decoded.
  package init(auditing source: any AuditSource, progress: (Int) -> Void = { _ in }) throws {
    let state = try ReplayedState(source, progress: progress)
    var conservation = Conservation()
    for finding in state.findings { conservation.find(finding) }
    for partition in state.partitions {
      switch state.status(of: partition) {
      case .running, .superseded: break
      case .stopped(let offset, let reason): conservation.find("\(partition) stops at offset \(offset): \(reason)")
      case .broken(let offset, let reason): conservation.find("\(partition) breaks off at offset \(offset): \(reason)")
      }
      try state.forEachEntity(of: partition) { key, entity in
        conservation.check(key, entity, in: partition)
      }
    }
    conservation.finish(
      orders: Self.sum(.orders, state), stock: Self.sum(.stock, state), payments: Self.sum(.payments, state))
    var comparison = Comparison(source)
    try comparison.run { progress(state.recordsReplayed + $0) }
    for finding in comparison.findings { conservation.find(finding) }
    self.init(
      totals: conservation.totals, findings: conservation.findings, recordsReplayed: state.recordsReplayed,
      partitionsCompared: comparison.compared, partitionsTrimmed: comparison.trimmed,
      partitionsTotalled: comparison.totalled, partitionsUntotalled: comparison.untotalled,
      voidRecords: state.partitions.reduce(comparison.voidRecords) { $0 + state.voidRecords(of: $1) },
      storeHash: comparison.storeHash)
  }

  private static func sum(_ service: Service, _ state: ReplayedState) -> Ledger {
    state.partitions.filter { $0.service == service }.reduce(into: Ledger()) { sum, partition in
      let ledger = state.ledger(of: partition)
      sum.checkouts &+= ledger.checkouts
      sum.checkoutMoney &+= ledger.checkoutMoney
      sum.unitsSold &+= ledger.unitsSold
      sum.removedOrders &+= ledger.removedOrders
      sum.removedCheckouts &+= ledger.removedCheckouts
      sum.removedMoney &+= ledger.removedMoney
    }
  }
}
