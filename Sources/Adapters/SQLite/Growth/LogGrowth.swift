import Model
import PartitionCore
import Ports

/// Starts a new log with more partitions, where the old one ended.
enum LogGrowth {
  /// Does nothing if it was done before.
  /// - Parameter begun: the new partitions whose checkpoints are at `GrowthPlan.firstOffset`.
  /// - Throws: `LogFailure`; then nothing was changed, or everything.
  static func run(_ path: String, _ plan: GrowthPlan, begun: Set<PartitionID>) throws(LogFailure) {
    do throws(DatabaseError) {
      let database = try LogFile.file.open(in: path, mode: .readWrite)
      try database.execute("BEGIN IMMEDIATE")
      defer { database.rollback() }
      guard try !isGrown(database, plan) else { return }
      let end = try LogMarks(try LogCursor(database, partitionCount: plan.from.count)).ends().end
      try database.execute("DELETE FROM records")
      try database.execute("DELETE FROM marks")
      let mark = try database.prepare("INSERT INTO marks (sequence, offsets) VALUES (?, ?)")
      mark.bind(1, end.sequence)
      mark.bind(2, copying: grown(end, plan, begun).bytes)
      try mark.run()
      try database.execute("COMMIT")
      try database.checkPlace()
    } catch {
      throw LogFailure(error.isDamage ? .format : .write, error.message)
    }
  }

  /// The newest mark has a place for every partition of the new count.
  private static func isGrown(_ database: Database, _ plan: GrowthPlan) throws(DatabaseError) -> Bool {
    let bytes = try database.integer("SELECT length(offsets) FROM marks ORDER BY sequence DESC LIMIT 1") ?? 0
    return bytes == Int64(slots(of: plan.to) * MemoryLayout<Int64>.size)
  }

  private static func slots(of partitioner: Partitioner) -> Int { partitioner.count * Service.allCases.count }

  private static func grown(_ end: LogMark, _ plan: GrowthPlan, _ begun: Set<PartitionID>) -> LogMark {
    let offsets = (0..<slots(of: plan.to)).map { slot -> Int64 in
      guard let partition = PartitionID(slot: slot, of: plan.to.count) else { return 0 }
      if let former = partition.slot(of: plan.from.count) { return end.offsets[former] }
      return begun.contains(partition) ? GrowthPlan.firstOffset + 1 : 0
    }
    return LogMark(sequence: end.sequence, offsets: offsets)
  }
}
