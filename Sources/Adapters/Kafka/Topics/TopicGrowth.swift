import CRdKafka
import Model
import PartitionCore
import Ports
import Wire

/// Gives the topics of a shop that is not running more partitions, and lets them start afresh. Every step may be
/// repeated; none of them keeps a shop from continuing with the partitions that it has. Every call blocks.
package final class TopicGrowth {
  private let options: KafkaOptions
  private let administration: TopicAdministration
  private var reader: KafkaTopicReader

  /// - Parameter options: with the new partition count.
  /// - Throws: `LogFailure` if the options or properties make no sense.
  package init(_ options: KafkaOptions) throws(LogFailure) {
    self.options = options
    administration = try TopicAdministration(options)
    reader = try KafkaTopicReader(options)
  }

  /// The cluster that stores and pods must belong to (`KafkaOptions.clusterName`).
  /// - Throws: `LogFailure` if no broker answers in time.
  package func clusterName() throws(LogFailure) -> String { options.clusterName(try reader.clusterID()) }

  /// How many partitions a service's topic has.
  /// - Throws: `LogFailure` if no broker answers, or there is no such topic.
  package func partitionCount(of service: Service) throws(LogFailure) -> Int {
    let name = options.topic(of: service)
    guard let topic = try administration.describe(TopicPlan(options)).topics[name] else {
      throw LogFailure(.settings, "\(name): there is no such topic; name the shop's brokers and prefix")
    }
    return topic.partitionCount
  }

  /// The offset that a partition's next record gets.
  /// - Throws: `LogFailure` if no broker answers in time.
  package func nextOffset(of partition: PartitionID) throws(LogFailure) -> Int64 {
    try reader.bounds(of: partition).next
  }

  /// Brings a service's topic to the new count, and waits until its partitions have leaders.
  /// - Throws: `LogFailure` if a broker refuses or does not answer.
  package func addPartitions(of service: Service) throws(LogFailure) {
    let count = options.partitioner.count
    let topic = options.topic(of: service)
    if try partitionCount(of: service) < count { try administration.addPartitions(to: topic, count: count) }
    try administration.waitForLeaders(TopicPlan(options), counts: [topic: count])
    // The former one remembers for a while how many partitions there were.
    reader = try KafkaTopicReader(options)
  }

  /// Puts a record that says nothing into partitions that have none: their logs must not begin with their first record.
  /// - Throws: `LogFailure` if a broker does not take one in time.
  package func begin(_ partitions: [PartitionID]) throws(LogFailure) {
    var empty: [PartitionID] = []
    for partition in partitions where try nextOffset(of: partition) == 0 { empty.append(partition) }
    guard !empty.isEmpty, let nobody = Owner(epoch: 1, incarnation: 1, address: "grow") else { return }
    var bytes: [UInt8] = []
    LogRecordCodec.encode(.owned(nobody), into: &bytes)
    let wake = try WakeDescriptor()
    let producer = try RecordProducer(options, lane: 0, wake: wake)
    for (place, partition) in empty.enumerated() {
      if let code = producer.send(bytes, to: partition, tag: UInt(place + 1)) { throw refused(partition, code) }
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.queryTimeoutMilliseconds)
    var (reports, news) = ([DeliveryReport](), [KafkaEvent]())
    while reports.count < empty.count {
      _ = producer.takeReports(empty.count, into: &reports, &news)
      guard clock.now < deadline || reports.count >= empty.count else {
        throw LogFailure(.unreachable, "no broker of \(options.brokers) takes records; run this again")
      }
      wake.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
    for partition in empty where try nextOffset(of: partition) == 0 {
      throw LogFailure(.unreachable, "\(partition): no broker took its first record; run this again")
    }
  }

  /// Removes the records of partitions before some offsets.
  /// - Throws: `LogFailure` if a broker refuses or does not answer.
  package func removeRecords(before offsets: [PartitionID: Int64]) throws(LogFailure) {
    let rows = offsets.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    guard !rows.isEmpty else { return }
    try administration.removeRecords(
      before: rows.map { (options.topic(of: $0.key.service), Int32($0.key.index), $0.value) })
  }

  private func refused(_ partition: PartitionID, _ code: rd_kafka_resp_err_t) -> LogFailure {
    LogFailure(.write, "\(partition): its first record is refused: \(KafkaLibrary.text(code))")
  }
}
