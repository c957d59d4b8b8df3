import Kafka
import Model
import PartitionCore
import Ports
import Postgres
import Streams

/// Gives a cluster more partitions, while no pod runs.
///
/// ```
/// topics       more partitions; new ones get a record that says nothing; then all records are removed, since the
///              databases have what they led to
/// databases    one after another, each in one transaction, which also changes the count that pods read
/// ```
/// Whatever ends it, the next run continues. Meanwhile no pod serves: one with the old count finds a topic with more
/// partitions, or a database; one with the new count a database with fewer.
package final class ClusterGrowth {
  /// How far it has got.
  package enum Step: Hashable, Sendable {
    /// Nothing is in the way. Nothing is changed yet.
    case checked
    /// A service's topic has the new count, and starts afresh.
    case topic(Service)
    /// This many rows of the databases have been examined.
    case rows(Int)
    /// A service's database has the new count.
    case stored(Service)
  }

  /// What was done.
  package struct Report: Hashable, Sendable {
    package let from: Int
    package let to: Int
    package var rows = GrownRows()
    /// Services that an earlier run had brought to the new count.
    package var resumed: [Service] = []
  }

  private let topics: TopicGrowth
  private let databases: [(service: Service, database: PostgresGrowth)]
  private let plan: GrowthPlan?
  private let count: Int

  /// Connects to everything, and takes the databases for itself.
  /// - Parameters:
  ///   - kafka: with the new partition count.
  ///   - databases: how libpq reaches them, one per service.
  /// - Throws: `GrowthRefusal` if the count is not possible; `LogFailure`, `StoreFailure`: something cannot be reached,
  ///   or does not belong to this cluster.
  package init(_ kafka: KafkaOptions, databases names: [Service: String]) throws {
    let count = kafka.partitioner.count
    self.count = count
    topics = try TopicGrowth(kafka)
    let cluster = try topics.clusterName()
    let databases = try Service.allCases.map { service -> (service: Service, database: PostgresGrowth) in
      guard let name = names[service] else {
        throw StoreFailure(.format, "the database of \(service.name) is not given")
      }
      return (service, try PostgresGrowth(name, service: service, cluster: cluster))
    }
    self.databases = databases
    let counts = databases.map(\.database.partitionCount)
    guard let old = counts.first(where: { $0 != count }) else {
      plan = nil
      return
    }
    if let other = databases.first(where: { $0.database.partitionCount != old && $0.database.partitionCount != count })
    {
      throw GrowthRefusal(
        "the database of \(other.service.name) has \(other.database.partitionCount) partitions, and another has "
          + "\(old): an earlier run was cut short, so run this with "
          + "--partitions \(max(old, other.database.partitionCount))")
    }
    plan = try GrowthPlan(from: old, to: count)
    for service in Service.allCases {
      let found = try topics.partitionCount(of: service)
      guard found != old, found != count else { continue }
      throw GrowthRefusal(
        "the topic of \(service.name) has \(found) partitions, and its database \(old): an earlier run was cut short, "
          + "so run this with --partitions \(found)")
    }
  }

  /// Moves everything.
  /// - Returns: nil if the cluster already has the count.
  /// - Throws: `GrowthRefusal`; nothing was changed, except by an earlier run. `LogFailure`, `StoreFailure`: run it
  ///   again.
  package func run(onStep: (Step) -> Void = { _ in }) throws -> Report? {
    guard let plan else { return nil }
    let headers = try check(plan)
    onStep(.checked)
    var report = Report(from: plan.from.count, to: plan.to.count)
    var offsets: [PartitionID: Int64] = [:]
    for (service, database) in databases where database.partitionCount != count {
      offsets.merge(try growTopic(of: service, plan, headers)) { _, new in new }
      onStep(.topic(service))
    }
    for (service, database) in databases {
      guard database.partitionCount != count else {
        report.resumed.append(service)
        continue
      }
      let before = report.rows
      let rows = try database.move(plan, offsets: offsets) { onStep(.rows(before.seen + $0)) }
      report.rows.seen += rows.seen
      report.rows.moved += rows.moved
      report.rows.copied += rows.copied
      try database.commit()
      onStep(.stored(service))
    }
    return report
  }

  /// - Returns: the checkpoints of the partitions that the shop has.
  private func check(_ plan: GrowthPlan) throws -> [PartitionID: CheckpointHeader] {
    var standings: [PartitionID: GrowthPlan.Standing] = [:]
    for (service, database) in databases {
      for index in 0..<plan.from.count {
        let partition = PartitionID(service, UInt16(truncatingIfNeeded: index))
        let held = try database.held(partition)
        if let header = held.header, !header.isReleased || header.owner?.epoch != held.epoch {
          throw GrowthRefusal(
            "\(partition): has an owner, or its owner did not stop in order; stop every pod with SIGTERM, even those "
              + "that own nothing; if none is running, start them without callers, stop them, and run this again")
        }
        standings[partition] = GrowthPlan.Standing(
          header: held.header, nextOffset: try topics.nextOffset(of: partition),
          unsentMessages: try database.unsentMessages(of: partition))
      }
    }
    try GrowthPlan.check(standings)
    return standings.compactMapValues(\.header)
  }

  /// Brings a topic to the new count, and lets it begin where it ends.
  /// - Returns: the offsets of the records that say nothing in its new partitions.
  private func growTopic(
    of service: Service, _ plan: GrowthPlan, _ headers: [PartitionID: CheckpointHeader]
  ) throws -> [PartitionID: Int64] {
    try topics.addPartitions(of: service)
    let begun = plan.added.map { PartitionID(service, $0) }.filter { partition in
      headers[PartitionID(service, plan.source(of: partition.index))]?.offset ?? -1 >= 0
    }
    try topics.begin(begun)
    var ends: [PartitionID: Int64] = [:]
    for partition in begun { ends[partition] = try topics.nextOffset(of: partition) }
    let stored = headers.filter { $0.key.service == service }.mapValues { $0.offset + 1 }
    try topics.removeRecords(before: ends.merging(stored) { _, end in end })
    return ends.mapValues { $0 - 1 }
  }
}
