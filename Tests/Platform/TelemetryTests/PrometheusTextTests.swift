import Telemetry
import TestSupport
import Testing

@Suite struct PrometheusTextTests {
  @Test func escapes() {
    var text = PrometheusText()
    text.header(.buildInfo)
    text.sample(.buildInfo, 1, [("version", "a\"b\\c\nd")])
    text.sample(.cpu, seconds: 1.25)
    text.sample(.cpu, seconds: .infinity)
    text.sample(.cpu, seconds: 3)
    #expect(
      String(decoding: text.bytes, as: UTF8.self) == """
        # HELP kassa_build_info 1; the label shows the version.
        # TYPE kassa_build_info gauge
        kassa_build_info{version="a\\"b\\\\c\\nd"} 1
        process_cpu_seconds_total 1.25
        process_cpu_seconds_total +Inf
        process_cpu_seconds_total 3

        """)
  }

  @Test func histogramsAreCumulated() {
    let lanes = [RequestMetrics(routes: ["/a", "/b"]), RequestMetrics(routes: ["/a", "/b"])]
    lanes[0].record(route: 0, status: 200, microseconds: 100)
    lanes[1].record(route: 0, status: 204, microseconds: 101)
    lanes[1].record(route: 0, status: 200, microseconds: .max)
    lanes[1].record(route: 1, status: 503, microseconds: -1)
    for (route, status) in [(2, 200), (-1, 200), (0, 0), (0, 600), (0, 99)] {
      lanes[0].record(route: route, status: UInt16(status), microseconds: 1)
    }
    let series = RequestTotals(of: lanes).series
    #expect(series.map { "\($0.route) \($0.statusClass) \($0.count)" } == ["/a 2xx 3", "/b 5xx 1"])
    #expect(series[0].counts.first == 1 && series[0].counts.last == 1)

    var text = PrometheusText()
    text.histogram(
      .requestDuration, [("route", "/a")], boundsMicroseconds: [1_000, 2_000_000], counts: [1, 2, 3],
      sumMicroseconds: 1_500_000)
    #expect(
      String(decoding: text.bytes, as: UTF8.self) == """
        kassa_http_request_duration_seconds_bucket{route="/a",le="0.001"} 1
        kassa_http_request_duration_seconds_bucket{route="/a",le="2"} 3
        kassa_http_request_duration_seconds_bucket{route="/a",le="+Inf"} 6
        kassa_http_request_duration_seconds_sum{route="/a"} 1.5
        kassa_http_request_duration_seconds_count{route="/a"} 6

        """)
  }

  @Test func namesAreUniqueAndShowTheirUnits() {
    let names = Metric.all.map(\.name.description)
    #expect(Set(names).count == names.count)
    for metric in Metric.all {
      let name = metric.name.description
      #expect((metric.kind == .counter) == name.hasSuffix("_total"), "\(name)")
      #expect(metric.help.description.hasSuffix("."), "\(name)")
    }
  }

  /// Prometheus' own linter over every metric there is. `promtool` comes with Debian's package `prometheus`.
  @Test func promtoolAccepts() throws {
    var text = PrometheusText()
    for metric in Metric.all {
      text.header(metric)
      if metric.kind == .histogram {
        text.histogram(
          metric, [("route", "/\"\\\n")], boundsMicroseconds: RequestMetrics.boundsMicroseconds,
          counts: Array(repeating: 1, count: RequestMetrics.boundsMicroseconds.count + 1), sumMicroseconds: 5)
      } else {
        text.sample(metric, 1)
      }
    }
    #expect(try Promtool.complaint(about: text.bytes) == nil)
  }
}
