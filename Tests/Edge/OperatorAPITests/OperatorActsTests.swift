import Callers
import Foundation
import HTTPServer
import Telemetry
import Testing

@testable import OperatorAPI

/// What the operator port does, for whom, and the ids of its answers.
@Suite struct OperatorActsTests {
  private let reloads = FakeReloads()

  private func bench() -> Bench {
    var sources = OperatorSources(version: "1", startedMilliseconds: 0)
    sources.reload = { [reloads] in reloads.reload($0) }
    return Bench(sources)
  }

  private struct Told: Decodable {
    let type, title, detail, instance, code, request_id: String
    let status: UInt16
    let scope: String?
  }

  private func told(_ response: HTTPResponse?) throws -> Told {
    let response = try #require(response)
    #expect(response.contentType.description == "application/problem+json")
    let told = try JSONDecoder().decode(Told.self, from: Data(response.body))
    #expect(told.status == response.status && told.type == "/problems#\(told.code)")
    #expect(told.request_id == response.header("X-Request-Id"))
    #expect(told.instance == "urn:kassa:request:\(told.request_id)")
    return told
  }

  /// Of several methods and paths, each in its own words; nothing is read again.
  @Test func refusals() throws {
    let bench = bench()
    for method in [HTTPMethod.get, .head, .put, .delete, .options, .patch, .other] {
      let response = bench.send("/reload", method).response
      #expect(response?.status == 405 && response?.header("Allow") == "POST")
      #expect(try told(response).code == "method_not_allowed")
    }
    #expect(bench.send("/reload/", .post).response?.status == 404)
    for header in [["Sec-Fetch-Site": "cross-site"], ["Origin": "https://evil.example"]] {
      #expect(try told(bench.send("/reload", .post, header).response).code == "cross_site")
    }
    bench.api.browsers = BrowserRules(isLoopback: true)
    #expect(try told(bench.send("/reload", .post, ["Host": "evil.example"]).response).code == "unknown_host")
    #expect(reloads.asked == 0)
  }

  /// All refusals have the members of the API's, and an id that no other one has.
  @Test func problemsCarryIds() throws {
    let bench = bench()
    let answers = [
      bench.send("/x").response, bench.send("/metrics", .post).response, bench.api.refusal(status: 413, detail: "x"),
      bench.api.refusal(status: 400, detail: "x"), bench.send("/x").response,
    ]
    let ids = try answers.map { try told($0).request_id }
    #expect(Set(ids).count == ids.count && ids.allSatisfy { $0.hasPrefix("00000000000000ab-2-") }, "\(ids)")
    #expect(ids[0] == "00000000000000ab-2-6" && ids[2] == "00000000000000ab-2-7")
    #expect(bench.send("/").response?.header("X-Request-Id") == "00000000000000ab-2-12")
  }

  @Test(arguments: [
    ("operator:read", [200, 403]), ("operator:write", [403, 0]), ("operator", [200, 0]), ("orders,admin", [403, 403]),
  ])
  func scopesDecide(_ scopes: String, _ statuses: [Int]) throws {
    let bench = bench()
    let secret = "0123456789abcdef"
    let digest = SHA256Digest(of: secret.utf8)
    bench.api.callers = CallerGate(
      CallerTable(try KeyFile("a \(digest) \(scopes)"), defaultRate: nil))
    let key = ["X-API-Key": "a.\(secret)"]
    let look = bench.send("/", .get, key).response
    // What it may do is answered later.
    let act = bench.send("/reload", .post, key).response
    #expect([look, act].map { Int($0?.status ?? 0) } == statuses)
    if statuses[0] == 403 {
      #expect(try told(look).scope == "operator:read")
      #expect(look?.header("WWW-Authenticate")?.contains("scope=\"operator:read\"") == true)
    }
    if statuses[1] == 403 { #expect(try told(act).scope == "operator:write") }
    #expect(reloads.asked == (statuses[1] == 0 ? 1 : 0))
    #expect(try told(bench.send("/reload", .post).response).code == "unauthenticated")
    #expect(bench.send("/livez").response?.status == 200)
  }

  @Test func whatWasReadAgainIsTold() throws {
    let bench = bench()
    let first = bench.send("/reload", .post).exchange
    reloads.complete(ReloadReport(read: ["log-level", "api-keys"]))
    #expect(bench.answers.isEmpty)
    bench.api.takeReports()
    #expect(bench.answers[first]?.status == 200)
    #expect(bench.answers[first]?.text == #"{"read":["log-level","api-keys"]}"#)
    #expect(bench.answers[first]?.header("X-Request-Id") == "00000000000000ab-2-6")
    let second = bench.send("/reload", .post).exchange
    reloads.complete(ReloadReport(read: ["log-level"], failures: ["api-keys: line 3", "tls-certificate: none"]))
    bench.api.takeReports()
    let problem = try told(bench.answers[second])
    #expect(problem.code == "reload_failed" && problem.status == 500 && problem.detail == "api-keys: line 3")
  }

  /// What a file says may have changed since a reload began: those who ask later wait for the next, all for the same.
  @Test func whoAsksDuringAReloadWaitsForTheNext() throws {
    let bench = bench()
    let first = bench.send("/reload", .post).exchange
    let later = (0..<OperatorAPI.waitingMax).map { _ in bench.send("/reload", .post).exchange }
    #expect(reloads.asked == 1)
    #expect(try told(bench.send("/reload", .post).response).code == "overloaded")
    bench.api.abandoned(ExchangeID(number: later[0]))
    reloads.complete(ReloadReport(read: ["one"]))
    bench.api.takeReports()
    #expect(bench.answers.count == 1 && bench.answers[first]?.text.contains("one") == true)
    #expect(reloads.asked == 1)
    reloads.complete(ReloadReport(read: ["two"]))
    bench.api.takeReports()
    #expect(bench.answers.count == later.count && bench.answers[later[0]] == nil && reloads.asked == 0)
    #expect(later.dropFirst().allSatisfy { bench.answers[$0]?.text == #"{"read":["two"]}"# })
  }
}
