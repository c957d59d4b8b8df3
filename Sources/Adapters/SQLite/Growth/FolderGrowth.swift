import Model
import PartitionCore
import Ports

/// Gives a data folder more partitions, while no server runs in it.
///
/// Log and store are two files, and no transaction covers both. `FORMAT` makes one change of it:
///
/// ```
/// FORMAT: n, running      the rows move, in one transaction of the store: lost if it is interrupted
/// FORMAT: n, growing to m nobody else opens the folder
///   store committed       new partitions have rows in `checkpoints`: from here on there is no way back
///   log committed         one mark, of m partitions
/// FORMAT: m, running
/// ```
/// So whatever ends it, the folder has the old count, or it is refused until this has run again; it is never opened
/// with rows of one count and a log of another.
///
/// A new log begins: a replay from its first record would put rows where they no longer are.
package enum FolderGrowth {
  /// How far it has come.
  package enum Step: Hashable, Sendable {
    /// Nothing is in the way. Nothing is changed yet.
    case checked
    /// So many of the store's rows have been looked at.
    case rows(Int)
    /// All rows are where they belong, in a transaction that is still open.
    case moved
    /// `FORMAT` says that the folder grows.
    case announced
    /// The store has the new count.
    case stored
    /// The log has it too.
    case logged
  }

  /// What was done.
  package struct Report: Hashable, Sendable {
    package let from: Int
    package let to: Int
    /// Rows that were looked at, those that have another partition now, and copies of idempotency keys.
    package var rows = GrownRows()
    /// An earlier run had moved the rows.
    package var isResumed = false
  }

  /// Brings the folder to `count` partitions of each service.
  /// - Returns: nil if it has them already.
  /// - Throws: `GrowthRefusal`, `DataFolderFailure`: nothing was changed. `StoreFailure`, `LogFailure`: the folder has
  ///   its old count, or is refused until this was run again.
  package static func run(path: String, to count: Int, onStep: (Step) -> Void = { _ in }) throws -> Report? {
    let found = try DataFolder.formatOfAny(path)
    if found.state != .growing, found.partitionCount == count { return nil }
    let plan = try GrowthPlan(from: found.partitionCount, to: count)
    guard try !FormerLog.isThere(in: path) else {
      throw GrowthRefusal(
        "\(path): was written by version 0.1.0; start it once with kassa serve --data \(path), which upgrades it")
    }
    let folder = try DataFolder(growing: path, files: [LogFile.file, StoreFile.file])
    guard folder.format.partitionCount == plan.from.count else {
      throw GrowthRefusal("\(path): now has \(folder.format.partitionCount) partitions; check that, and run this again")
    }
    let store = try StoreGrowth(path, plan)
    if let target = folder.format.growingTo {
      if try store.isGrown() {
        guard target == count else {
          throw GrowthRefusal(
            "\(path): is already being grown from \(plan.from.count) to \(target) partitions; run this with "
              + "--partitions \(target) first")
        }
        try finish(folder, plan, store, onStep)
        return Report(from: plan.from.count, to: count, isResumed: true)
      }
      try folder.grow(to: nil)
    }
    try check(path, plan, store)
    onStep(.checked)
    let rows = try store.move { onStep(.rows($0)) }
    onStep(.moved)
    try folder.grow(to: count)
    onStep(.announced)
    do {
      try store.commit()
    } catch {
      // Whether it took effect is read from the file; where that fails too, the next run finds out.
      if let isGrown = try? StoreGrowth(path, plan).isGrown(), !isGrown { try folder.grow(to: nil) }
      throw error
    }
    onStep(.stored)
    try finish(folder, plan, store, onStep)
    return Report(from: plan.from.count, to: count, rows: rows)
  }

  private static func check(_ path: String, _ plan: GrowthPlan, _ store: StoreGrowth) throws {
    let log = try SQLiteLogReader(path: path)
    var standings: [PartitionID: GrowthPlan.Standing] = [:]
    for service in Service.allCases {
      for index in 0..<plan.from.count {
        let partition = PartitionID(service, UInt16(index))
        standings[partition] = try store.standing(
          of: partition, nextOffset: try log.offsets(of: partition)?.upperBound ?? 0)
      }
    }
    try GrowthPlan.check(standings)
  }

  /// Continues from a store that has the new count.
  private static func finish(
    _ folder: DataFolder, _ plan: GrowthPlan, _ store: StoreGrowth, _ onStep: (Step) -> Void
  ) throws {
    try LogGrowth.run(folder.path, plan, begun: try store.begun())
    onStep(.logged)
    try folder.haveGrown()
  }
}
