import Model
import Streams

extension GrowthPlan {
  /// What a store and a log have of a partition.
  public struct Standing: Sendable {
    public let header: CheckpointHeader?
    /// The offset that the log's next record gets.
    public let nextOffset: Int64
    /// Messages in the store that nobody has acknowledged.
    public let unsentMessages: Int

    public init(header: CheckpointHeader?, nextOffset: Int64, unsentMessages: Int) {
      self.header = header
      self.nextOffset = nextOffset
      self.unsentMessages = unsentMessages
    }
  }

  /// Checks that nothing is under way between the partitions of the shop.
  /// - Throws: `GrowthRefusal` that names the first partition where something is.
  public static func check(_ standings: [PartitionID: Standing]) throws(GrowthRefusal) {
    let ascending = standings.sorted { $0.key < $1.key }
    for (partition, standing) in ascending {
      let stored = standing.header?.offset ?? -1
      guard stored + 1 <= standing.nextOffset else {
        throw GrowthRefusal(
          "\(partition): its log ends before offset \(stored), which the store already holds; run kassa verify")
      }
      let behind = standing.nextOffset - 1 - stored
      guard behind == 0 else {
        throw GrowthRefusal(
          "\(partition): \(behind) records of its log are not in the store yet; start the shop, stop it with SIGTERM, "
            + "and run this again")
      }
      guard standing.unsentMessages == 0 else {
        throw GrowthRefusal("\(partition): \(standing.unsentMessages) messages have not arrived; \(finishCheckouts)")
      }
    }
    for (partition, standing) in ascending {
      for caused in standing.header?.caused ?? [] {
        let rows = standings[caused.destination]?.header?.received ?? []
        let received = rows.first { $0.source == .partition(partition) }?.number ?? 0
        guard received != caused.number else { continue }
        throw GrowthRefusal(
          "\(caused.destination): has \(received) messages of \(partition), which caused \(caused.number) for it; "
            + "run kassa verify")
      }
    }
  }
}
