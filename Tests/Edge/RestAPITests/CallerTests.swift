import Callers
import Foundation
import HTTPServer
import Model
import Runtime
import Testing

@testable import RestAPI

@Suite struct CallerTests {
  private static let secret = String(repeating: "s", count: 43)

  /// One key for each set of scopes, named like them; `slow` may ask twice at once and once a second.
  private func bench() throws -> Bench {
    let digest = SHA256Digest(of: Self.secret.utf8)
    let names = ["orders:read", "orders:write", "stock:read", "stock:write", "payment:read", "payment:write", "admin"]
    var lines = names.map { "\($0.replacing(":", with: "-")) \(digest) \($0)" }
    lines.append("slow \(digest) stock:read 1/2")
    let bench = Bench()
    bench.api.callers = CallerGate(CallerTable(try KeyFile(lines.joined(separator: "\n")), defaultRate: nil))
    return bench
  }

  private func key(_ id: String) -> [(String, String)] { [("Authorization", "Bearer \(id).\(Self.secret)")] }

  /// The paths of each scope, one of every route.
  private static let paths: [(scope: String, lines: [String])] = [
    ("orders:read", ["GET /orders/find/o1", "GET /orders/items/o1"]),
    (
      "orders:write",
      [
        "POST /orders/create/u1", "DELETE /orders/remove/o1", "POST /orders/addItem/o1/i1",
        "POST /orders/addItem/o1/i1/2", "DELETE /orders/removeItem/o1/i1",
        "PUT /orders/items/o1/i1/2", "POST /orders/checkout/o1",
      ]
    ),
    ("stock:read", ["GET /stock/find/i1", "HEAD /stock/find/i1"]),
    ("stock:write", ["POST /stock/item/create/1", "POST /stock/add/i1/1", "POST /stock/subtract/i1/1"]),
    ("payment:read", ["GET /payment/find_user/u1", "GET /payment/status/u1/o1", "POST /payment/status/u1/o1"]),
    (
      "payment:write",
      [
        "POST /payment/create_user", "POST /payment/add_funds/u1/1", "POST /payment/pay/u1/1",
        "POST /payment/pay/u1/o1/1", "POST /payment/cancel/u1/o1",
      ]
    ),
    ("admin", ["POST /orders/batch_init/1/1/1/1", "POST /stock/batch_init/1/1/1", "POST /payment/batch_init/1/1"]),
  ]

  @Test(arguments: paths.map(\.scope)) func eachScopeAllowsItsPathsOnly(_ scope: String) throws {
    for (needed, lines) in Self.paths {
      for line in lines {
        let answer = try bench().send(line, key(scope.replacing(":", with: "-"))).response
        if needed == scope {
          #expect(answer.map { $0.status != 401 && $0.status != 403 } ?? true, "\(line)")
        } else {
          #expect(answer?.status == 403 && answer?.text.contains("\"code\":\"missing_scope\"") == true, "\(line)")
          #expect(answer?.text.contains("\"scope\":\"\(needed)\"") == true, "\(line)")
          let challenge = "Bearer realm=\"kassa\", error=\"insufficient_scope\", scope=\"\(needed)\""
          #expect(answer?.header("WWW-Authenticate") == challenge)
        }
      }
    }
  }

  @Test func everyEndpointIsInTheTable() {
    let scoped = Endpoint.all.filter { $0.scope != nil }
    #expect(Self.paths.flatMap(\.lines).count == scoped.count + 1, "HEAD")
    #expect(Endpoint.all.allSatisfy { ($0.scope == nil) == ($0.service == nil) })
  }

  @Test func nothingIsDoneForStrangers() throws {
    for (_, lines) in Self.paths {
      for line in lines {
        let bench = try bench()
        for headers in [[], key("nobody"), [("Authorization", "Basic eDp5")]] {
          let answer = bench.now(line, headers)
          #expect(answer.status == 401 && answer.text.contains("\"code\":\"unauthenticated\""), "\(line)")
          let challenge = headers.isEmpty ? "Bearer realm=\"kassa\"" : "Bearer realm=\"kassa\", error=\"invalid_token\""
          #expect(answer.header("WWW-Authenticate") == challenge)
        }
        #expect(bench.port.submissions.isEmpty && bench.port.questions.isEmpty && bench.api.waitingCount == 0)
      }
    }
  }

  @Test(
    arguments: [
      (["X-API-Key: K"], 404), (["x-api-key: K "], 404), (["Authorization: Bearer K"], 404),
      (["X-API-Key: K", "X-API-Key: K"], 401), (["Authorization: Bearer K", "Authorization: Bearer K"], 401),
      (["X-API-Key: K", "Authorization: Bearer K"], 401), (["X-API-Key: Bearer K"], 401), (["X-API-Key: "], 401),
    ] as [([String], UInt16)])
  func oneKeyInOneOfTwoHeaders(_ headers: [String], _ status: UInt16) throws {
    let bench = try bench()
    let item = try #require(ItemID(validating: "i1"))
    bench.port.inMemory[.item(item)] = .item(nil)
    let pairs = headers.map { line in
      let parts = line.components(separatedBy: ": ")
      return (parts[0], parts[1].replacing("K", with: "stock-read.\(Self.secret)"))
    }
    #expect(bench.now("GET /stock/find/i1", pairs).status == status)
  }

  @Test func whatThisIsNeedsNoKey() throws {
    let bench = try bench()
    #expect(bench.now("GET /").status == 200 && bench.now("GET /openapi.json").status == 200)
    #expect(bench.now("GET /problems").status == 200)
    #expect(bench.now("GET /nothing").status == 404 && bench.now("PUT /stock/find/i1").status == 405)
  }

  @Test func whoAsksTooOftenIsToldWhenToComeBack() throws {
    let bench = try bench()
    let item = try #require(ItemID(validating: "i1"))
    bench.port.inMemory[.item(item)] = .item(nil)
    func ask() -> HTTPResponse { bench.now("GET /stock/find/i1", key("slow")) }
    #expect(ask().status == 404 && ask().status == 404)
    let refused = ask()
    #expect(refused.status == 429 && refused.text.contains("\"code\":\"rate_limited\""))
    #expect(refused.header("Retry-After") == "1")
    #expect(refused.header("RateLimit") == "\"caller\";r=0;t=1")
    #expect(refused.header("RateLimit-Policy") == "\"caller\";q=2;w=2")
    #expect(bench.now("GET /stock/find/i1", key("stock-read")).status == 404, "another caller's bucket")
    bench.wait(milliseconds: 1_000)
    #expect(ask().status == 404 && ask().status == 429)
  }

  @Test func anIdempotencyKeyIsItsCallers() throws {
    let bench = try bench()
    let digest = SHA256Digest(of: Self.secret.utf8)
    let lines = ["a", "b"].map { "\($0) \(digest) payment" }.joined(separator: "\n")
    bench.api.callers = CallerGate(CallerTable(try KeyFile(lines), defaultRate: nil))
    for id in ["a", "b", "a"] {
      #expect(bench.send("POST /payment/create_user", key(id) + [("Idempotency-Key", "1")]).response == nil)
    }
    let (first, second, again) = (bench.port.submissions[0], bench.port.submissions[1], bench.port.submissions[2])
    #expect(first.command != second.command && first.token?.key != second.token?.key)
    #expect(first.token == again.token && first.partition == again.partition)
    // Golden: a repetition finds its key whichever release takes it. `printf 'a\0001' | sha256sum`
    #expect(first.token?.key.text == "05a9c569a185ac60f5511f9760bc3f1ac046b20d")
    #expect(first.token.map { IdempotencyKey(validating: $0.key.text) == $0.key } == true)
  }

  /// Whoever uses a key twice is told of the one that they sent, whether this process or the partition knows of it.
  @Test func aReusedKeyIsToldAsItWasSent() throws {
    let bench = try bench()
    let headers = key("payment-write") + [("Idempotency-Key", "mine")]
    let sent = bench.send("POST /payment/create_user", headers)
    let here = bench.now("POST /payment/add_funds/u1/1", headers)
    let stored = try #require(bench.port.submissions.first?.token?.key)
    bench.complete(.outcome(.refused(.idempotencyKeyReused(stored)), isReplayed: false))
    let there = try #require(bench.answers[sent.exchange])
    for answer in [here, there] {
      #expect(answer.status == 422 && answer.text.contains("\"idempotency_key\":\"mine\""), "\(answer.text)")
      #expect(!answer.text.contains(stored.text))
    }
    let batch = bench.send("POST /payment/batch_init/1/1", key("admin") + [("Idempotency-Key", "mine")])
    let part = try #require(bench.port.submissions.first?.token?.key)
    bench.complete(.outcome(.refused(.idempotencyKeyReused(part)), isReplayed: false))
    while !bench.port.submissions.isEmpty { bench.complete(.outcome(.done, isReplayed: false)) }
    #expect(bench.answers[batch.exchange]?.text.contains("\"idempotency_key\":\"mine\"") == true)
  }

  /// A request that is not let in leaves its idempotency key free.
  @Test func aRefusedCallerUsesNoIdempotencyKey() throws {
    let bench = try bench()
    let headers = [("Idempotency-Key", "k1")]
    #expect(bench.now("POST /stock/add/i1/1", headers + key("stock-read")).status == 403)
    #expect(bench.send("POST /stock/add/i2/1", headers + key("stock-write")).response == nil)
    #expect(bench.port.submissions.count == 1)
  }
}
