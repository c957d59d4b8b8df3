import Model
import Ports

/// The version of a partition's row: as this store knows it was written, or as the database has it.
///
/// A database that failed over to a lagging replica, or was restored under running pods, holds an older row than the
/// acknowledged one. Writing on top of it would permanently lose what is missing in between.
struct Standing: Hashable, Sendable {
  let epoch: Int64
  let turn: Int64
  /// The log's offset of the newest checkpoint; nil before the first.
  let offset: Int64?

  enum Verdict {
    /// Nothing is missing.
    case whole
    /// The partition has a newer owner.
    case replaced
    /// Something acknowledged is missing.
    case setBack
  }

  /// Judges a row that is known to have had this standing.
  /// - Parameter found: its standing now; nil if the row does not exist.
  func verdict(on found: Standing?) -> Verdict {
    guard let found else { return .setBack }
    if found.epoch != epoch { return found.epoch > epoch ? .replaced : .setBack }
    return found.turn < turn ? .setBack : .whole
  }

  /// The failure for an owner that wrote more than the database now has.
  /// - Parameter name: the server's and database's name.
  func setBack(to found: Standing?, _ partition: PartitionID, in name: String) -> StoreFailure {
    let now = found.map { "holds \($0.text)" } ?? "has no row of it"
    return StoreFailure(
      .setBack,
      "\(name): \(partition) was set back: \(text) was acknowledged, and the database \(now). The partition is taken "
        + "over again from there. Find out who failed the database over or restored it under running pods "
        + "(docs/backup.md#fail-over)")
  }

  private var text: String {
    "epoch \(epoch), turn \(turn), \(offset.map { "offset \($0)" } ?? "no checkpoint")"
  }

  /// Reads `epoch, turn, log_offset` of the first row.
  init?(_ rows: borrowing Rows, column: Int = 0) {
    guard let epoch = rows.bigint(0, column), let turn = rows.bigint(0, column + 1) else { return nil }
    self.init(epoch: epoch, turn: turn, offset: rows.bigint(0, column + 2))
  }

  init(epoch: Int64, turn: Int64, offset: Int64?) {
    self.epoch = epoch
    self.turn = turn
    self.offset = offset
  }
}
