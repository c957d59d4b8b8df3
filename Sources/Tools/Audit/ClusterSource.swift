import Ports
import Kafka
import Model
import PartitionCore
import Postgres
import Wire

/// A cluster's topics and databases, for an audit; pods may run at the same time.
///
/// The databases are read first, each from a snapshot held until the end, then the topics' ends. So the log has
/// everything the store depends on. Epochs are not changed: no pod notices.
package final class ClusterSource: AuditSource {
  package let partitioner: Partitioner
  package let headers: [PartitionID: CheckpointHeader]
  private let topics: KafkaTopicReader
  private let stores: [Service: PostgresStoreReader]

  /// How long a database connection may be idle while the log is read, and how long one query may take.
  static let silenceMillisecondsMax = 6 * 60 * 60 * 1_000

  /// Connects to everything.
  /// - Parameter databases: how libpq reaches them, one per service.
  /// - Throws: `LogFailure`, `StoreFailure`: something cannot be reached, or does not belong to this cluster.
  package init(_ kafka: KafkaOptions, databases: [Service: String]) throws {
    partitioner = kafka.partitioner
    topics = try KafkaTopicReader(kafka)
    let cluster = kafka.clusterName(try topics.clusterID())
    var options = PostgresOptions()
    options.statementMillisecondsMax = Self.silenceMillisecondsMax
    options.silenceMillisecondsMax = Self.silenceMillisecondsMax + 60_000
    var stores: [Service: PostgresStoreReader] = [:]
    var headers: [PartitionID: CheckpointHeader] = [:]
    for service in Service.allCases {
      guard let database = databases[service] else {
        throw StoreFailure(.format, "the database of \(service.name) is not given")
      }
      let store = try PostgresStoreReader(database, service: service, options: options)
      try Self.check(store.identity, of: service, cluster, kafka.partitioner)
      try store.holdMoment()
      for header in try store.headers() { headers[header.partition] = header }
      stores[service] = store
    }
    self.stores = stores
    self.headers = headers
  }

  private static func check(
    _ found: PostgresIdentity, of service: Service, _ cluster: String, _ partitioner: Partitioner
  ) throws(StoreFailure) {
    if found.cluster != cluster {
      throw StoreFailure(
        .format,
        "the database of \(service.name) belongs to the cluster '\(found.cluster)', and the brokers to '\(cluster)'; "
          + "name the brokers of the former, or restore its brokers and their disks")
    }
    if found.partitionCount != partitioner.count {
      throw StoreFailure(
        .format,
        "the database of \(service.name) was made with \(found.partitionCount) partitions, not \(partitioner.count)")
    }
  }

  private func store(of partition: PartitionID) throws(StoreFailure) -> PostgresStoreReader {
    guard let store = stores[partition.service] else {
      throw StoreFailure(.closed, "there is no database of \(partition.service.name)")
    }
    return store
  }

  package func recovery(of partition: PartitionID) throws -> Recovery {
    let store = try store(of: partition)
    return Recovery(
      header: headers[partition], pinned: try store.pinned(of: partition),
      quarantined: try store.quarantined(of: partition), outbox: try store.outbox(of: partition))
  }

  package func unsent(of partition: PartitionID) throws -> [OutboxRow] {
    try store(of: partition).outbox(of: partition)
  }

  package func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange] {
    try store(of: partition).entities(keys, of: partition)
  }

  package func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    try store(of: partition).forEachEntity(of: partition, body)
  }

  package func totals(of partition: PartitionID) throws -> (kept: StoreTotals, found: StoreTotals)? {
    try store(of: partition).totals(of: partition)
  }

  package func offsets(of partition: PartitionID) throws -> Range<Int64> {
    let bounds = try topics.bounds(of: partition)
    return bounds.first..<max(bounds.first, bounds.next)
  }

  package let isShared = true
  package let isReadApart = true

  package func forEachBatch(
    in ranges: [PartitionID: Range<Int64>], _ body: ([LoggedRecord]) throws -> Void
  ) throws {
    for (partition, range) in ranges.sorted(by: { $0.key < $1.key }) {
      try topics.forEachBatch(of: partition, in: range, body)
    }
  }
}
