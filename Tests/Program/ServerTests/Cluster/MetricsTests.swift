import Model
import Ports
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Server
@testable import Kafka
@testable import Peers
@testable import Redis

@Suite struct MetricsTests {
  private let statuses = [
    PeerStatus(name: "stock-0", state: .connected, queuedFrames: 1, queuedBytes: 20),
    PeerStatus(name: "stock-1", state: .silent, queuedFrames: 3, queuedBytes: 40),
  ]

  private func text() -> PrometheusText {
    var text = PrometheusText()
    var log = KafkaRecordLog.Statistics()
    log.recordsAcknowledged = 5
    log.bytesPending = 6
    log.recordsRead = 13
    text.write(log)
    text.write(margins: [PartitionID(.stock, 3): 7, PartitionID(.orders, 1): 8])
    var ingest = KafkaIngest.Statistics()
    ingest.partitions[PartitionID(.stock, 2)] = KafkaIngest.Figures(lag: 21, isStopped: true)
    ingest.taken[.stock] = 22
    text.write(ingest)
    var member = KafkaMember.Statistics()
    for event in [
      MembershipEvent.assigned([PartitionID(.stock, 0)]), .revoked(isLost: true), .revoked(isLost: false),
      .trouble("x"),
      .assigned([PartitionID(.stock, 0), PartitionID(.stock, 1)]),
    ] { member.add(event) }
    text.write([(Service.stock, member), (.orders, KafkaMember.Statistics())])
    let world = MemoryOwnershipWorld()
    let map = world.join(PodAnnouncement(name: "a", incarnation: 1, host: "h", port: 1))
    for (index, incarnation) in [UInt64(1), 1, 2].enumerated() {
      let partition = PartitionID(.stock, UInt16(index))
      map.announce(OwnerAnnouncement(partition: partition, epoch: 1, incarnation: incarnation, state: .open))
    }
    text.write(map)
    var counters = PostgresCounters()
    counters.fencedWrites = 9
    counters.writeMicroseconds = 1_500_000
    text.write([
      PrometheusText.StoreReading(service: .orders, isConnected: true, counters),
      PrometheusText.StoreReading(service: .stock, isConnected: false, PostgresCounters()),
    ])
    let caches = [RedisFigures(), RedisFigures()]
    caches[0].isAsked = true
    for cache in caches { cache.add(2, to: .hits) }
    text.write(caches)
    let figures = PeerFigures()
    figures.add(11, to: .reconnects)
    text.write(PeerReading(isReplaced: true, statuses: statuses), figures, undecodableFrames: 12, oversizedSends: 14)
    return text
  }

  @Test func everyFigureHasItsLine() {
    let lines = Set(String(decoding: text().bytes, as: UTF8.self).split(separator: "\n").map(String.init))
    for line in [
      "kassa_kafka_records_acknowledged_total 5", "kassa_kafka_pending_bytes 6",
      "kassa_kafka_records_read_total 13", "kassa_peers_oversized_sends_total 14",
      "kassa_kafka_retention_margin_records{service=\"stock\",partition=\"3\"} 7",
      "kassa_ingest_lag_records{service=\"stock\",partition=\"2\"} 21",
      "kassa_ingest_stopped{service=\"stock\",partition=\"2\"} 1",
      "kassa_ingest_taken_total{service=\"stock\"} 22", "kassa_ingest_refused_total{service=\"stock\"} 0",
      "kassa_kafka_member_assignments_total{service=\"stock\"} 2",
      "kassa_kafka_member_revocations_total{service=\"stock\"} 2",
      "kassa_kafka_member_losses_total{service=\"stock\"} 1",
      "kassa_kafka_member_troubles_total{service=\"stock\"} 1", "kassa_kafka_member_partitions{service=\"stock\"} 2",
      "kassa_owners_pods 1", "kassa_owners_partitions 2", "kassa_owners_passed_over_total 0",
      "kassa_kafka_member_partitions{service=\"orders\"} 0", "kassa_postgres_connected{service=\"orders\"} 1",
      "kassa_postgres_connected{service=\"stock\"} 0", "kassa_postgres_fenced_writes_total{service=\"orders\"} 9",
      "kassa_postgres_write_seconds_total{service=\"orders\"} 1.5", "kassa_redis_hits_total 4",
      "kassa_redis_asking_lanes 1", "kassa_peers_connected 1", "kassa_peers_replaced 1",
      "kassa_peers_reconnects_total 11", "kassa_peers_undecodable_frames_total 12",
      "kassa_peer_connected{peer=\"stock-1\"} 0",
      "kassa_peer_queued_bytes{peer=\"stock-1\"} 40",
    ] { #expect(lines.contains(line), "\(line)") }
  }

  /// Every metric of a cluster is written by somebody, once, and nothing else is.
  @Test func everyMetricIsWritten() {
    let types = String(decoding: text().bytes, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
    let written = types.compactMap { $0.split(separator: " ").dropFirst(2).first.map(String.init) }
    #expect(written.sorted() == Metric.ofCluster.map(\.name.description).sorted())
  }

  @Test func everyCounterOfTheAdaptersIsTold() {
    let page = String(decoding: text().bytes, as: UTF8.self)
    let samples = page.split(separator: "\n").filter { !$0.hasPrefix("#") }
    func count(_ prefix: String) -> Int { samples.count { $0.hasPrefix(prefix) } }
    #expect(count("kassa_redis_") == RedisFigures.Counter.allCases.count + 1)
    #expect(count("kassa_peers_") == PeerFigures.Counter.allCases.count + 4)
    // One more: whether it is connected. Each of two services has its own.
    #expect(count("kassa_postgres_") == 2 * (Mirror(reflecting: PostgresCounters()).children.count + 1))
    #expect(Metric.ofKafka.count == Mirror(reflecting: KafkaRecordLog.Statistics()).children.count)
    #expect(Metric.ofMembers.count == Mirror(reflecting: KafkaMember.Statistics()).children.count)
  }

  @Test func promtoolAccepts() throws { #expect(try Promtool.complaint(about: text().bytes) == nil) }
}
