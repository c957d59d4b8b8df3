import Foundation
import HTTPServer
import Model
import Telemetry
import TestSupport
import Testing

@testable import OperatorAPI
@testable import Runtime

@Suite struct OperatorAPITests {
  @Test func refusals() {
    let bench = Bench()
    for path in ["", "/x", "/livez/", "//", "/Livez", "/metrics%20"] {
      #expect(bench.send(path).response?.status == 404)
    }
    for method in [HTTPMethod.post, .put, .delete, .options, .other] {
      let response = bench.send("/metrics", method).response
      #expect(response?.status == 405 && response?.header("Allow") == "GET, HEAD")
      #expect(response?.contentType.description == "application/problem+json")
    }
    #expect(bench.send("/").response?.status == 200)
    let tooLarge = bench.api.refusal(status: 413, detail: "x")
    #expect(tooLarge.status == 413 && tooLarge.text.contains(#""type":"/problems#body_too_large""#))
    #expect(bench.send("/problems").response?.text.contains(#"<h2 id="body_too_large">"#) == true)
    #expect(bench.inspection.asked == 0)
  }

  @Test func readiness() async {
    let table: [(RuntimeReport?, UInt16, String)] = [
      (nil, 503, "a lane did not answer in time\n"),
      (report([], .starting), 503, "starting\n"),
      (report([partition(0)], .stopping), 503, "stopping\n"),
      (report(logFailure: "disk full"), 503, "the log takes no more records: disk full\n"),
      (
        report(storeFailure: "sync failed"), 503,
        "the store no longer works until a new process opens it: sync failed\n"
      ),
      (
        report([partition(0), partition(1, .orders, .waitingForStore(reason: "no room"))]), 503,
        "1 of 2 partitions wait for the store: no room\n"
      ),
      (
        report([partition(0), partition(1, .orders, .replaying), partition(2, .stock, .replaying)], .starting), 503,
        "starting\nreplaying 2 of 3 partitions: orders-1 stock-2\n"
      ),
      (
        report([partition(0), partition(1, .payments, .stopped(offset: 7, reason: "no record"))]), 503,
        "payments-1 is stopped at offset 7: no record\n"
      ),
      (
        report([], .starting, pending: [pending(1, nil), pending(2, "no server"), pending(3, "no log")]), 503,
        "starting\n2 partitions cannot be taken over yet: stock-2: no server\n"
      ),
      (report(pending: [pending(1, "no server")]), 503, "1 partitions cannot be taken over yet: stock-1: no server\n"),
      (report(pending: [pending(1, nil)]), 200, "ready\n"),
      (report(), 200, "ready\n"),
    ]
    for (report, status, text) in table {
      let answer = await Bench().get("/readyz", report)
      #expect(answer.status == status && answer.text == text)
    }
    let many = (0..<100).map { partition($0, .stock, .stopped(offset: 1, reason: "x")) }
    let answer = await Bench().get("/readyz", report(many))
    #expect(answer.text.split(separator: "\n").count == 17)
    #expect(answer.text.hasSuffix("100 partitions are stopped in total\n"))
  }

  /// Whoever cannot reach the log says so, and for how long; what waits shorter than that is a pause.
  @Test func cutOff() async {
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    sources.cutOff = { $0 >= 10_000 ? "cut off for \($0) ms" : nil }
    for (ages, status, text) in [
      ([0, 9_999], UInt16(200), "ready\n"), ([10_000, 12_000], 503, "cut off for 12000 ms\n"), ([], 200, "ready\n"),
    ] {
      let partitions = ages.enumerated().map { place, age in
        var one = partition(UInt16(place))
        one.appendAgeMilliseconds = Int64(age)
        return one
      }
      let answer = await Bench(sources).get("/readyz", report(partitions))
      #expect(answer.status == status && answer.text == text)
    }
  }

  @Test func startup() async {
    #expect(await Bench().get("/startupz", report([], .starting)).status == 503)
    #expect(await Bench().get("/startupz", nil).status == 503)
    #expect(await Bench().get("/startupz", report()).status == 200)
    #expect(await Bench().get("/startupz", report([], .stopping)).status == 200)
  }

  /// At once: a probe that asks every few seconds must not miss it before the process ends.
  @Test func whatHasFailedForGoodAsksForARestart() {
    let bench = Bench()
    #expect(bench.send("/livez").response?.status == 200)
    bench.inspection.finalFailure = "the disk is full"
    let answer = bench.send("/livez").response
    #expect(answer?.status == 503)
    #expect(answer.map { String(decoding: $0.body, as: UTF8.self) } == "only a restart helps: the disk is full\n")
  }

  /// Neither a late report nor a stopped partition ends the process; lanes that stay silent do.
  @Test func liveness() async {
    let bench = Bench()
    #expect(await bench.get("/livez", report([], .starting)).status == 200)
    #expect(await bench.get("/livez", nil).status == 200)
    bench.wait(milliseconds: 29_999)
    #expect(await bench.get("/livez", nil).status == 200)
    bench.wait(milliseconds: 1)
    #expect(bench.send("/livez").response?.status == 503)
    #expect(await bench.get("/livez", report()).status == 503)
    #expect(bench.send("/livez").response?.status == 200)
    // A report that never comes at all.
    bench.wait(milliseconds: 30_000)
    #expect(bench.send("/livez").response?.status == 503)
  }

  @Test func requestsShareAReport() async {
    let bench = Bench()
    let waiting = (0..<OperatorAPI.waitingMax).map { _ in bench.send("/readyz").exchange }
    #expect(bench.inspection.asked == 1)
    #expect(bench.send("/readyz").response?.status == 503)
    bench.api.abandoned(ExchangeID(number: waiting[3]))
    _ = await bench.get("/readyz", report())
    #expect(bench.answers.count == waiting.count && bench.answers[waiting[3]] == nil)
    // The next one asks again.
    _ = bench.send("/readyz")
    #expect(bench.inspection.asked == 1)
    bench.api.takeReports()
  }

  @Test func partitions() async throws {
    let stopped = partition(3, .orders, .stopped(offset: 9, reason: "a \"bad\" record"))
    let waiting = [pending(5, nil), pending(6, "no \"server\"")]
    var running = partition(1)
    running.appendAgeMilliseconds = 16
    let answer = await Bench().get("/partitions", report([running, stopped], pending: waiting))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    #expect(object["phase"] as? String == "running" && object["requests_waiting"] as? Int == 3)
    #expect(object["log_failure"] is NSNull && object["pod"] is NSNull && object["incarnation"] is NSNull)
    let rows = try #require(object["partitions"] as? [[String: Any]])
    #expect(rows.map { $0["partition"] as? String } == ["orders-3", "stock-1"])
    #expect(rows[0]["stopped_reason"] as? String == "a \"bad\" record" && rows[0]["stopped_offset"] as? Int == 9)
    let names = [
      "lane", "epoch", "applied_offset", "checkpointed_offset", "checkpoint_age_milliseconds", "queued_records",
      "resident_entities", "dirty_entities", "parked_checkouts", "records_applied", "entries_applied", "dedup_drops",
      "loads", "checkpoints", "checkpoints_failed", "evictions", "unconfirmed_messages", "append_age_milliseconds",
    ]
    #expect(names.map { rows[1][$0] as? Int } == [1, 2, 30, 25, 1_500, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
    #expect(rows.allSatisfy { $0["ingest_lag_records"] is NSNull && $0["ingest_stopped"] is NSNull })
    let takeovers = try #require(object["pending"] as? [[String: Any]])
    #expect(takeovers.map { $0["partition"] as? String } == ["stock-5", "stock-6"])
    #expect(takeovers[0]["reason"] is NSNull && takeovers[1]["reason"] as? String == "no \"server\"")
    #expect(await Bench().get("/partitions", nil).status == 503)
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    sources.pod = OperatorPod(name: "stock-0", incarnation: .max)
    let named = await Bench(sources).get("/partitions", report([])).text
    #expect(named.hasPrefix("{\"pod\":\"stock-0\",\"incarnation\":\"18446744073709551615\",\"phase\":"))
  }

  /// Of partitions that read an ingest topic, whatever others do.
  @Test func partitionsWithIngest() async throws {
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    sources.ingest = {
      [
        PartitionID(.stock, 1): IngestFigures(lagRecords: 21, isStopped: true),
        PartitionID(.stock, 2): IngestFigures(lagRecords: 0, isStopped: false),
      ]
    }
    let answer = await Bench(sources).get("/partitions", report([partition(1), partition(2), partition(3)]))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    let rows = try #require(object["partitions"] as? [[String: Any]])
    #expect(rows.map { $0["ingest_lag_records"] as? Int } == [21, 0, nil])
    #expect(rows.map { $0["ingest_stopped"] as? Bool } == [true, false, nil])
  }

  @Test func metrics() async throws {
    let requests = RequestMetrics(routes: ["/orders/find/{order_id}"])
    requests.record(route: 0, status: 200, microseconds: 300)
    var sources = OperatorSources(version: "1\"2", startedMilliseconds: 1_500, requests: [requests])
    sources.server = {
      ServerFigures(connections: 1, connectionsAccepted: 2, connectionsRefused: 3, connectionsDisplaced: 4)
    }
    sources.log = { LogFigures(appendedPosition: 5, durablePosition: 6, commits: 7, isFailed: false) }
    var orders = partition(0, .orders)
    orders.ordersRemoved = 17
    let answer = await Bench(sources).get(
      "/metrics", report([partition(1), orders], pending: [pending(2, nil), pending(3, "no")]))
    #expect(answer.contentType.description == "text/plain; version=0.0.4; charset=utf-8")
    let lines = Set(answer.text.split(separator: "\n").map(String.init))
    for line in [
      "kassa_build_info{version=\"1\\\"2\"} 1", "process_start_time_seconds 1.5", "kassa_ready 0",
      "kassa_takeovers_pending 2", "kassa_takeovers_failing 1",
      "kassa_requests_waiting 3", "kassa_http_connections 1", "kassa_log_durable_position 6",
      "kassa_partition_lag_records{service=\"stock\",partition=\"1\"} 4",
      "kassa_orders_removed_total{service=\"orders\",partition=\"0\"} 17",
      "kassa_partition_checkpoint_age_seconds{service=\"orders\",partition=\"0\"} 1.5",
      "kassa_http_request_duration_seconds_count{route=\"/orders/find/{order_id}\",status=\"2xx\"} 1",
      "kassa_http_request_duration_seconds_bucket{route=\"/orders/find/{order_id}\",status=\"2xx\",le=\"0.00025\"} 0",
      "kassa_http_request_duration_seconds_bucket{route=\"/orders/find/{order_id}\",status=\"2xx\",le=\"0.0005\"} 1",
    ] { #expect(lines.contains(line), "\(line)") }
    // Every metric that has a name is written.
    for metric in Metric.common { #expect(answer.text.contains("\n# TYPE \(metric.name) ")) }
    #expect(try Promtool.complaint(about: answer.body) == nil)

    let silent = await Bench(sources).get("/metrics", nil)
    #expect(silent.status == 200 && silent.text.contains("\nkassa_ready 0\n"))
    #expect(try Promtool.complaint(about: silent.body) == nil)
    #expect(try await Promtool.complaint(about: Bench().get("/metrics", report([])).body) == nil)
  }

  @Test func adaptersAddMetricsAndPages() async throws {
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    sources.metrics = [{ $0.header(.peersConnected) }, { $0.sample(.peersConnected, 3) }]
    sources.pages = [OperatorPage("/peers") { Array("{}".utf8) }]
    let bench = Bench(sources)
    for report in [report(), nil] {
      #expect(await bench.get("/metrics", report).text.contains("gauge\nkassa_peers_connected 3\n"))
    }
    #expect(bench.send("/peers").response?.text == "{}" && bench.send("/peers/").response?.status == 404)
    #expect(bench.send("/peers", .post).response?.status == 405)
    let paths = "\"/livez\",\"/readyz\",\"/startupz\",\"/metrics\",\"/partitions\",\"/problems\",\"/reload\",\"/peers\""
    #expect(bench.send("/").response?.text.hasSuffix(",\"paths\":[\(paths)]}") == true)
    #expect(Bench().send("/peers").response?.status == 404)
  }

  @Test func processFiguresAreReal() {
    let figures = ProcessFigures.now()
    #expect(figures.residentBytes > 1_000_000 && figures.virtualBytes >= figures.residentBytes)
    #expect(figures.openDescriptors >= 3 && figures.descriptorsMax >= UInt64(figures.openDescriptors))
    #expect(figures.cpuSeconds > 0)
  }
}
