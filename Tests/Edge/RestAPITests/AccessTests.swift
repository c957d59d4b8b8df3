import Callers
import HTTPServer
import Model
import Runtime
import Telemetry
import Testing

@testable import RestAPI

/// The access log of the API's port: one line for each request.
@Suite struct AccessTests {
  private let log = AccessLog(scope: .all, format: .text, clock: { 0 }, wake: {})

  private func bench() -> Bench {
    let bench = Bench()
    bench.api.access = AccessTrail(log, microseconds: { 5 })
    return bench
  }

  /// The lines, without time and message.
  private var lines: [String] {
    String(decoding: log.take(), as: UTF8.self).split(separator: "\n").map {
      String($0.dropFirst("1970-01-01T00:00:00.000Z info    request ".count))
    }
  }

  @Test func eachAnswerHasOneLine() throws {
    let bench = bench()
    let query = bench.send("GET /payment/find_user/u1", [("X-Request-Id", "gateway-7")]).exchange
    #expect(lines.isEmpty, "it waits")
    bench.tell(.view(.user(nil)))
    let id = try #require(bench.answers[query]?.header("X-Request-Id"))
    #expect(
      lines == [
        "answered request_id=\(id) client_request_id=gateway-7 method=GET path=/payment/find_user/u1 status=404 "
          + "code=unknown_user milliseconds=0.000 bytes=\(bench.answers[query]?.body.count ?? 0)"
      ])
    let index = bench.now("HEAD /")
    #expect(index.status == 200 && lines[0].hasSuffix("method=HEAD path=/ status=200 milliseconds=0.000 bytes=0"))
    _ = bench.now("PATCH /nothing/%zz")
    #expect(lines[0].contains("method=PATCH path=/nothing/%zz status=400 code=malformed_path"))
    _ = bench.api.refusal(status: 431, detail: "why")
    #expect(lines[0].contains("status=431 code=head_too_large bytes="))
    _ = bench.send("POST /payment/add_funds/u1/5")
    bench.complete(.outcome(.done, isReplayed: true))
    #expect(lines.last?.contains("path=/payment/add_funds/u1/5 status=200") == true)
    _ = bench.now("BREW /")
    #expect(lines.last?.contains("method=OTHER path=/ status=405") == true)
  }

  @Test func whoLeavesIsTold() {
    let bench = bench()
    for path in ["POST /payment/add_funds/u1/5", "POST /stock/batch_init/9/1/1"] {
      let exchange = bench.send(path).exchange
      bench.api.abandoned(ExchangeID(number: exchange))
      bench.api.abandoned(ExchangeID(number: exchange))
      let told = lines
      #expect(told.count == 1 && told[0].hasPrefix("abandoned request_id=00000000000000ab-3-"), "\(told)")
    }
  }

  /// Callers by their ids, never by their secrets.
  @Test func callersAreNamed() throws {
    let bench = bench()
    let secret = "0123456789abcdef"
    let file = try KeyFile("web \(SHA256Digest(of: secret.utf8)) stock:read")
    bench.api.callers = CallerGate(CallerTable(file, defaultRate: nil))
    for (line, key, told) in [
      ("GET /stock/find/i1", "web.\(secret)x", "code=unauthenticated"),
      ("POST /stock/add/i1/1", "web.\(secret)", "code=missing_scope milliseconds=0.000 caller=web"),
    ] {
      _ = bench.now(line, [("X-API-Key", key)])
      let all = lines.joined()
      #expect(all.contains(told) && !all.contains(secret), "\(all)")
    }
  }

  /// The id of an answer leads to the commands of its request, also of a `batch_init`.
  @Test func idsLeadToCommands() throws {
    let bench = bench()
    for line in ["POST /payment/add_funds/u1/5", "POST /stock/batch_init/100000/1/1"] {
      let exchange = bench.send(line).exchange
      var numbers: Set<UInt64> = []
      while !bench.port.submissions.isEmpty {
        for submission in bench.port.submissions { #expect(numbers.insert(submission.number).inserted) }
        bench.complete(.outcome(.changed(1), isReplayed: false))
      }
      let id = try #require(RequestID(bench.answers[exchange]?.header("X-Request-Id") ?? ""))
      #expect(id.incarnation == 0xAB && id.lane == 3 && !numbers.isEmpty)
      for number in numbers {
        #expect(id.covers(RequestID(incarnation: 0xAB, lane: 3, number: number)))
        #expect(!id.covers(RequestID(incarnation: 0xAB, lane: 2, number: number)))
      }
      let next = RequestID(incarnation: 0xAB, lane: 3, number: RequestNumber.of(exchange: exchange + 1, step: 2))
      #expect(numbers.allSatisfy { !next.covers(RequestID(incarnation: 0xAB, lane: 3, number: $0)) })
    }
  }
}
