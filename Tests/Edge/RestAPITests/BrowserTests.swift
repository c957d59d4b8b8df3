import Callers
import HTTPServer
import Model
import Runtime
import Testing

@testable import RestAPI

@Suite struct BrowserTests {
  private static let desk = ("Origin", "https://desk.example")

  private func bench(origins: [String] = ["https://desk.example"]) -> Bench {
    let bench = Bench()
    bench.api.browsers = BrowserRules(isLoopback: true, origins: origins)
    return bench
  }

  @Test func strangePagesAndHostsGetNothingDone() {
    let bench = bench(origins: [])
    for line in ["POST /payment/create_user", "GET /stock/find/i1", "GET /", "OPTIONS /payment/create_user"] {
      let page = bench.now(line, [("Host", "127.0.0.1"), Self.desk])
      #expect(page.status == 403 && page.text.contains("\"code\":\"cross_site\""))
      let site = bench.now(line, [("Host", "127.0.0.1"), ("Sec-Fetch-Site", "cross-site")])
      #expect(site.status == 403 && site.header("Access-Control-Allow-Origin") == nil)
      let host = bench.now(line, [("Host", "evil.example:8000")])
      #expect(host.status == 421 && host.text.contains("\"code\":\"unknown_host\""))
    }
    #expect(bench.port.submissions.isEmpty && bench.port.questions.isEmpty)
  }

  @Test func pagesOfNamedSitesReadTheirAnswers() throws {
    let bench = bench()
    let sent = bench.send("POST /payment/create_user", [("Host", "localhost"), Self.desk])
    bench.complete(.outcome(.created(id: "u1"), isReplayed: false))
    let late = try #require(bench.answers[sent.exchange])
    let refusal = bench.now("GET /payment/find_user/$", [("Host", "localhost"), Self.desk])
    #expect(late.status == 200 && refusal.status == 400)
    for answer in [late, refusal] {
      #expect(answer.header("Access-Control-Allow-Origin") == "https://desk.example")
      #expect(answer.header("Vary") == "Origin")
      #expect(answer.header("Access-Control-Expose-Headers")?.contains("X-Request-Id") == true)
    }
    #expect(bench.now("GET /", [("Host", "localhost")]).header("Vary") == nil)
  }

  @Test func preflightIsAnsweredWithoutAKey() throws {
    let bench = bench()
    bench.api.callers = CallerGate(CallerTable(try KeyFile(""), defaultRate: nil))
    let asks = [("Host", "localhost"), Self.desk, ("Access-Control-Request-Method", "POST")]
    let answer = bench.now("OPTIONS /orders/checkout/o1", asks)
    #expect(answer.status == 204 && answer.body.isEmpty)
    #expect(answer.header("Access-Control-Allow-Methods") == "POST")
    #expect(answer.header("Access-Control-Allow-Origin") == "https://desk.example")
    for header in ["Authorization", "X-API-Key", "Idempotency-Key"] {
      #expect(answer.header("Access-Control-Allow-Headers")?.contains(header) == true)
    }
    #expect(bench.now("OPTIONS /nothing", asks).status == 404)
    #expect(bench.now("OPTIONS /orders/checkout/o1", [("Host", "localhost"), Self.desk]).status == 405)
    // What changes nothing does not look at keys.
    #expect(bench.now("OPTIONS /", [("Host", "localhost"), ("Idempotency-Key", "\"")]).status == 204)
    #expect(bench.now("POST /orders/checkout/o1", asks).status == 401)
  }
}
