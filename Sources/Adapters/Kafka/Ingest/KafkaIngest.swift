import Lanes
import Model
import PartitionCore
import Ports
import Streams
import Synchronization

/// The ingest topics of a cluster: one for each service, with as many partitions as the service, whose records are
/// commands that other systems write with any Kafka client.
///
/// One thread reads for all owners of the process, each from where its partition's state says, in no group, and
/// decodes, so that lanes need not. It hands an owner only as much as can be undurable at a time (`IngestLimits`); the
/// rest waits in the topic. Another thread writes refused commands to their topic (`RefusedRecords`), which is begun
/// with the first one.
package final class KafkaIngest: IngestLog {
  private let shared: IngestShared
  private let threads = Mutex<[BackgroundThread]>([])

  /// The state of a partition's ingest.
  package struct Figures: Hashable, Sendable {
    /// Records of the topic that are not durable in the partition.
    package var lag: Int64 = 0
    /// The topic lacks what comes next.
    package var isStopped = false

    package init(lag: Int64 = 0, isStopped: Bool = false) {
      self.lag = lag
      self.isStopped = isStopped
    }
  }

  package struct Statistics: Sendable {
    /// Of the partitions that are owned here.
    package var partitions: [PartitionID: Figures] = [:]
    /// Records that were handed to owners, by service.
    package var taken: [Service: UInt64] = [:]
    /// Records that were written to the topic of refused ones, by service.
    package var refused: [Service: UInt64] = [:]
  }

  /// - Parameters:
  ///   - skipsLost: whether a partition whose topic lost records continues without them; else it stops.
  ///   - describe: the name and the reason of a refusal.
  ///   - report: called on any thread, must not block.
  /// - Throws: `LogFailure` if the options make no sense, or the system has no threads.
  package init(
    _ options: KafkaOptions, skipsLost: Bool,
    describe: @escaping @Sendable (CommandReply) -> (code: String, reason: String),
    report: @escaping @Sendable (KafkaEvent) -> Void
  ) throws(LogFailure) {
    shared = IngestShared(wake: try WakeDescriptor(), report: report)
    let shared = shared
    _ = try KafkaConfiguration.ingester(options)
    let reader = BackgroundThread("ingest") {
      do throws(LogFailure) {
        try IngestWorker(options, skipsLost: skipsLost, shared).run()
      } catch {
        report(.trouble(client: "ingest", text: error.message))
      }
    }
    let refuser = BackgroundThread("ingest-refused") {
      RefusedRecords(options, shared, describe).run()
    }
    threads.withLock { $0 = [reader, refuser].compactMap { $0 } }
    guard reader != nil, refuser != nil else {
      close()
      throw LogFailure(.read, "cannot start threads for the ingest topics")
    }
  }

  package func attach(_ deliver: @escaping @Sendable (IngestEvent) -> Bool) { shared.attach(deliver) }

  package func follow(_ partition: PartitionID, by owner: OwnerID, after number: UInt64) {
    shared.ask(.follow(partition, owner, after: number))
  }

  package func leave(_ partition: PartitionID, by owner: OwnerID) {
    shared.dropRefusals(of: partition, by: owner)
    shared.ask(.leave(partition, owner))
  }

  package func durable(_ partition: PartitionID, by owner: OwnerID, through number: UInt64) {
    shared.ask(.durable(partition, owner, number))
  }

  package func refuse(_ refusals: [CommandReply], of partition: PartitionID, by owner: OwnerID) {
    shared.refuse(refusals, of: partition, by: owner)
  }

  package var statistics: Statistics { shared.statistics }

  /// Ends both threads. Blocking, for as long as one question to the brokers takes.
  package func close() {
    shared.end()
    let ending = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in ending { thread.join() }
  }
}
