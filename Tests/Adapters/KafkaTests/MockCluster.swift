import CRdKafka
import Ports
import Kafka
import Model
import Synchronization
import TestSupport
import Testing

/// librdkafka's own cluster in this process: no disk, no replication, but errors on demand.
///
/// `@unchecked Sendable` is safe: the handles are constant, and the calls on them may come from any thread.
final class MockCluster: @unchecked Sendable {
  static let partitionCount = 4
  private let client: OpaquePointer
  private let cluster: OpaquePointer
  let brokers: String

  init(brokerCount: Int32 = 1, partitionCount: Int = MockCluster.partitionCount) throws {
    var reason = [CChar](repeating: 0, count: 512)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, nil, &reason, reason.count),
      let cluster = rd_kafka_mock_cluster_new(client, brokerCount),
      let brokers = rd_kafka_mock_cluster_bootstraps(cluster)
    else { throw LogFailure(.settings, "no mock cluster") }
    (self.client, self.cluster) = (client, cluster)
    self.brokers = String(cString: brokers)
    for service in Service.allCases {
      rd_kafka_mock_topic_create(cluster, "kassa.\(service.name)", Int32(partitionCount), brokerCount)
    }
    rd_kafka_mock_topic_create(cluster, "kassa.owners", 1, brokerCount)
  }

  deinit {
    rd_kafka_mock_cluster_destroy(cluster)
    rd_kafka_destroy(client)
  }

  func options() throws -> KafkaOptions {
    let partitioner = try #require(Partitioner(count: Self.partitionCount))
    var options = KafkaOptions(brokers: brokers, partitioner: partitioner)
    try options.properties.set("fetch.wait.max.ms", "2")
    try options.properties.set("log_level", "0")
    return options
  }

  /// The next answers to requests of a kind carry these errors.
  func fail(_ request: Request, _ errors: [rd_kafka_resp_err_t]) {
    var errors = errors
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, &errors)
  }

  func recover(_ request: Request) { rd_kafka_mock_clear_request_errors(cluster, request.rawValue) }

  func setUp(_ isUp: Bool, broker: Int32 = 1) {
    if isUp { rd_kafka_mock_broker_set_up(cluster, broker) } else { rd_kafka_mock_broker_set_down(cluster, broker) }
  }

  /// Gives a partition to a broker; clients learn of it when they ask.
  func lead(_ partition: PartitionID, by broker: Int32) {
    rd_kafka_mock_partition_set_leader(cluster, "kassa.\(partition.service.name)", Int32(partition.index), broker)
  }

  /// From now on a broker does what it is asked at once, and answers so much later.
  func delayAnswers(milliseconds: Int32, broker: Int32 = 1) {
    rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds)
  }

  /// Numbers of the protocol.
  enum Request: Int16 {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case heartbeat = 12
  }

  /// Appends bytes that no log of ours wrote.
  func write(_ bytes: [UInt8], to partition: PartitionID) throws {
    try ForeignProducer(brokers).write(bytes, to: partition)
  }
}

/// A producer without anything of ours.
struct ForeignProducer {
  private let brokers: String
  init(_ brokers: String) { self.brokers = brokers }

  func write(_ bytes: [UInt8], to partition: PartitionID) throws {
    try write(bytes, topic: "kassa.\(partition.service.name)", index: Int32(partition.index), time: 0)
  }

  /// - Parameter time: in milliseconds; 0 is the producer's own.
  func write(_ bytes: [UInt8], topic: String, index: Int32, time: Int64) throws {
    let conf = rd_kafka_conf_new()
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, nil, 0)
    let client = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nil, 0))
    defer { rd_kafka_destroy(client) }
    var bytes = bytes
    let error = bytes.withUnsafeMutableBytes { bytes in
      topic.withCString { topic in
        let record = [
          part(RD_KAFKA_VTYPE_TOPIC) { $0.cstr = topic }, part(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = index },
          part(RD_KAFKA_VTYPE_TIMESTAMP) { $0.i64 = time },
          part(RD_KAFKA_VTYPE_VALUE) { ($0.mem.ptr, $0.mem.size) = (bytes.baseAddress, bytes.count) },
          part(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = RD_KAFKA_MSG_F_COPY },
        ]
        return rd_kafka_produceva(client, record, record.count)
      }
    }
    #expect(error == nil && rd_kafka_flush(client, 20_000) == RD_KAFKA_RESP_ERR_NO_ERROR)
  }

  private func part(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t.__Unnamed_union_u) -> Void) -> rd_kafka_vu_t {
    var part = rd_kafka_vu_t()
    part.vtype = type
    set(&part.u)
    return part
  }
}

/// Events that a log reported.
final class EventList: Sendable {
  private let events = Mutex<[KafkaEvent]>([])
  var all: [KafkaEvent] { events.withLock { $0 } }
  func add(_ event: KafkaEvent) { events.withLock { $0.append(event) } }
}
