import JSON
import Model
import Settings
import Testing

@testable import OperatorClient

@Suite struct PartitionOverviewTests {
  /// Two pods of everything, one partition of each service.
  private static let map = """
    {"partition_count":1,"pods":[
      {"pod":"a","incarnation":"7","operator":"127.0.0.1:1","role":"all","services":["orders","stock","payments"]},
      {"pod":"b","incarnation":"9","operator":"127.0.0.1:2","role":"all","services":["orders","stock","payments"]},
      {"pod":"c","incarnation":"5","operator":null,"role":"api","services":["orders"]}],
    "owners":[
      {"partition":"orders-0","epoch":3,"pod":"a","incarnation":"7","state":"open"},
      {"partition":"stock-0","epoch":2,"pod":"b","incarnation":"9","state":"full"},
      {"partition":"payments-0","epoch":1,"pod":null,"incarnation":"6","state":"open"}]}
    """

  private func reply(_ pod: String?, _ incarnation: Int, _ rows: String...) throws -> PodReply {
    let name = pod.map { "\"\($0)\"" } ?? "null"
    let text =
      "{\"pod\":\(name),\"incarnation\":\"\(incarnation)\",\"log_failure\":null,\"store_failure\":null,"
      + "\"partitions\":[\(rows.joined(separator: ","))]}"
    return .reported(try #require(PartitionsReport(Array(text.utf8)), "\(text)"))
  }

  private func row(_ partition: String, _ epoch: Int, _ status: String = "\"running\"", lag: Int = 0) -> String {
    "{\"partition\":\"\(partition)\",\"status\":\(status),\"epoch\":\(epoch),\"queued_records\":\(lag),"
      + "\"checkpoint_age_milliseconds\":1250,\"dirty_entities\":4,\"parked_checkouts\":2,\"resident_entities\":9,"
      + "\"applied_offset\":20,\"checkpointed_offset\":10}"
  }

  private func overview(_ replies: [UInt64: PodReply]) throws -> PartitionOverview {
    PartitionOverview(asked: "x", try #require(OwnersReport(Array(Self.map.utf8))), replies)
  }

  /// What is told of each partition: owner, epoch, state, lag.
  private func told(_ overview: PartitionOverview) -> [String] {
    overview.rows.map { row in
      let lag = row.figures.map { String($0.queuedRecords) } ?? "?"
      return "\(row.partition) \(row.owner ?? "-") \(row.epoch) \(row.state) \(lag)"
    }
  }

  @Test func anOwnerThatCannotBeAskedHasWhatTheMapSays() throws {
    let overview = try overview([7: .silent("Connection refused"), 9: reply("b", 9, row("stock-0", 2, lag: 3))])
    #expect(
      told(overview) == ["orders-0 a 3 open ?", "stock-0 b 2 running 3", "payments-0 - 1 unowned ?"])
    #expect(
      overview.findings == [
        "pod a at 127.0.0.1:1 cannot be queried: Connection refused; only the map shows its 1 partitions",
        "1 partitions have no owner: payments-0",
      ])
    #expect(
      overview.table == """
        PARTITION   OWNER  EPOCH  STATE       LAG  CHECKPOINT AGE  DIRTY  PARKED  APPLIED  CHECKPOINTED
        orders-0    a      3      open (map)  -    -               -      -       -        -
        stock-0     b      2      running     3    1.2 s           4      2       20       10
        payments-0  -      1      unowned     -    -               -      -       -        -

        """)
  }

  @Test func tellsHowFarIngestIs() throws {
    func fed(_ partition: String, _ epoch: Int, _ ingest: String) -> String {
      "\(row(partition, epoch).dropLast()),\(ingest)}"
    }
    let overview = try overview([
      7: reply(
        "a", 7, fed("orders-0", 3, "\"ingest_lag_records\":21,\"ingest_stopped\":true"),
        fed("payments-0", 2, "\"ingest_lag_records\":null,\"ingest_stopped\":null")),
      9: reply("b", 9, fed("stock-0", 2, "\"ingest_lag_records\":5,\"ingest_stopped\":false")),
    ])
    #expect(
      overview.findings == [
        "the ingest topics of 1 partitions lack the record that comes next, so nothing is taken from them: orders-0"
      ])
    #expect(
      overview.table == """
        PARTITION   OWNER  EPOCH  STATE    LAG  CHECKPOINT AGE  DIRTY  PARKED  APPLIED  CHECKPOINTED  INGEST LAG
        orders-0    a      3      running  0    1.2 s           4      2       20       10            21 (stopped)
        stock-0     b      2      running  0    1.2 s           4      2       20       10            5
        payments-0  a      2      running  0    1.2 s           4      2       20       10            -

        """)
    let rows = try #require(JSONValue(overview.json)?["partitions"]?.elements)
    #expect(rows.map { $0["ingest_lag_records"]?.number } == [21, 5, nil])
    let json = String(decoding: overview.json, as: UTF8.self)
    #expect(json.contains("\"ingest_lag_records\":null,\"ingest_stopped\":null}"), "\(json)")
  }

  @Test func theHighestEpochHolds() throws {
    let overview = try overview([
      // An owner that has not read of its successor, and one that the map does not know of yet.
      7: reply("a", 7, row("orders-0", 3), row("stock-0", 1), row("payments-0", 2)),
      9: reply("b", 9, row("orders-0", 4, "\"replaying\""), row("stock-0", 2)),
    ])
    #expect(
      told(overview) == ["orders-0 b 4 replaying 0", "stock-0 b 2 running 0", "payments-0 a 2 running 0"])
    #expect(overview.findings.isEmpty && overview.pods.map(\.partitionCount) == [1, 2, 0])
  }

  @Test func anOwnerOfAnOlderEpochIsNone() throws {
    let overview = try overview([7: reply("a", 7, row("stock-0", 1)), 9: reply("b", 9)])
    #expect(told(overview).prefix(2) == ["orders-0 a 3 open ?", "stock-0 b 2 full ?"])
  }

  @Test func tellsWhatStands() throws {
    let stopped = "\"stopped\",\"stopped_offset\":7,\"stopped_reason\":\"no \\\"record\\\"\""
    let waiting = "\"waiting_for_store\",\"waiting_reason\":\"it is away\""
    let overview = try overview([
      7: reply("a", 7, row("orders-0", 3, stopped), row("payments-0", 2, waiting)),
      9: reply("b", 9, row("stock-0", 2)),
    ])
    #expect(
      overview.findings == [
        "orders-0 is stopped: at offset 7: no \"record\"", "payments-0 waits for the store: it is away",
      ])
    let json = String(decoding: overview.json, as: UTF8.self)
    #expect(json.contains(#""state":"stopped","reason":"at offset 7: no \"record\"","told_by":"owner""#), "\(json)")
    #expect(json.contains(#"{"pod":"c","incarnation":"5","operator":null,"role":"api","partitions":0,"failure":null}"#))
    #expect(JSONValue(overview.json)?["partitions"]?.elements?.count == 3)
  }

  @Test func whoeverElseAnswersIsNotThePod() throws {
    let pod = OwnersReport.Pod(name: "a", incarnation: 7, operatorAddress: nil, role: "all")
    #expect(try reply("a", 7).by(pod).failure == nil)
    #expect(try reply("a", 8).by(pod).failure == "pod a of another run answers there")
    #expect(try reply("b", 7).by(pod).failure == "pod b answers there")
    #expect(try reply(nil, 0).by(pod).failure == "an embedded server answers there")
    let refused = OperatorAnswer(status: 503, body: Array("{\"detail\":\"A lane did not answer in time.\"}".utf8))
    #expect(
      PodReply(.success(refused)).failure == "it answers /partitions with status 503: A lane did not answer in time.")
  }

  @Test func anEmbeddedServerOwnsEverything() throws {
    guard case .reported(let report) = try reply(nil, 0, row("stock-10", 1), row("stock-9", 1)) else { return }
    let overview = PartitionOverview(embedded: report, asked: "x")
    #expect(told(overview) == ["stock-9 - 1 running 0", "stock-10 - 1 running 0"])
    #expect(overview.pods.isEmpty && overview.findings.isEmpty)
  }

  @Test(arguments: ["", "{}", "[]", "{\"partition_count\":0,\"pods\":[],\"owners\":[]}", "{\"partition_count\":1"])
  func noMap(_ text: String) {
    #expect(OwnersReport(Array(text.utf8)) == nil)
    #expect(PartitionsReport(Array(text.utf8)) == nil)
  }

  @Test(arguments: [
    ("orders-0", PartitionID(.orders, 0)), ("payments-4095", PartitionID(.payments, 4_095)), ("orders-", nil),
    ("orders-70000", nil), ("order-1", nil), ("-1", nil), ("", nil), ("stock--1", nil),
  ])
  func partitionNames(_ text: String, _ partition: PartitionID?) { #expect(PartitionID(text: text) == partition) }
}
