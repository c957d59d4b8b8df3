import Foundation
import HTTPServer
import Model
import Runtime
import Testing

@testable import RestAPI

/// What becomes of an outcome, a view or a refusal on its way to the client.
@Suite struct AnswerTests {
  private static let order = OrderID(unchecked: "o1")
  private static let item = ItemID(unchecked: "i1")
  private static let user = UserID(unchecked: "u1")

  static let refusals: [(Refusal, String)] = [
    (.unknownOrder(order), "404 unknown_order o1 - -"),
    (.unknownItem(item), "404 unknown_item - i1 -"),
    (.unknownUser(user), "404 unknown_user - - u1"),
    (.itemNotInOrder(order, item), "404 item_not_in_order o1 i1 -"),
    (.unknownPayment(user, order), "404 unknown_payment o1 - u1"),
    (.alreadyExists(id: "x"), "409 already_exists - - -"),
    (.checkoutUnderWay(order), "409 checkout_under_way o1 - - retry 1"),
    (.orderPaid(order), "409 order_paid o1 - -"),
    (.tooManyLines(order), "409 too_many_lines o1 - -"),
    (.lessInStock(item), "409 less_in_stock - i1 -"),
    (.notEnoughCredit(user), "409 not_enough_credit - - u1"),
    (.paymentConflict(order), "409 payment_conflict o1 - -"),
    (.amountOutOfRange(id: "x"), "409 sum_out_of_range - - -"),
    (.checkoutFailed(order, .outOfStock(item)), "409 out_of_stock o1 i1 -"),
    (.checkoutFailed(order, .outOfCredit(user)), "409 out_of_credit o1 - u1"),
    (.checkoutFailed(order, .unknownItem(item)), "409 checkout_unknown_item o1 i1 -"),
    (.checkoutFailed(order, .unknownUser(user)), "409 checkout_unknown_user o1 - u1"),
    (.checkoutFailed(order, .paymentConflict(order)), "409 payment_conflict o1 - -"),
    (.checkoutFailed(order, .amountOutOfRange(user)), "409 sum_out_of_range o1 - u1"),
    (.checkoutFailed(order, .tooManyWaiting(item)), "503 too_many_waiting o1 i1 - retry 1"),
    (.tooManyJoined(order), "429 too_many_joined o1 - - retry 1"),
    (.idempotencyKeyReused(IdempotencyKey(unchecked: "k")), "422 idempotency_key_reused - - -"),
  ]

  @Test(arguments: refusals.indices) func refusal(_ index: Int) throws {
    let (refusal, expected) = Self.refusals[index]
    let bench = Bench()
    let (exchange, _) = bench.send("POST /orders/checkout/o1")
    bench.complete(.outcome(.refused(refusal), isReplayed: false))
    let answer = try #require(bench.answers[exchange])
    #expect(try describe(answer) == expected)
  }

  static let portRefusals: [(RequestRefusal, String)] = [
    (.overloaded, "503 overloaded - - - retry 1"), (.stopping, "503 stopping - - - retry 2"),
    (.starting, "503 starting - - - retry 5"), (.logFailed, "503 log_failed - - - retry 30"),
    (.partitionStopped(PartitionID(.stock, 2)), "503 partition_stopped - - - retry 60"),
    (.undecidable, "503 partition_unserved - - - retry 5"),
  ]

  /// Nothing was appended: the refusal is exact, and nothing waits.
  @Test(arguments: portRefusals.indices) func refusedAtOnce(_ index: Int) throws {
    let (refusal, expected) = Self.portRefusals[index]
    let bench = Bench()
    for line in ["POST /orders/checkout/o1", "GET /orders/find/o1", "POST /orders/addItem/o1/i1"] {
      bench.port.refusals = [refusal]
      #expect(try describe(bench.now(line)) == expected)
    }
    #expect(bench.api.waitingCount == 0)
  }

  /// Accepted and then not appended after all: the refusal is exact.
  @Test(arguments: portRefusals.indices) func refusedAfterwards(_ index: Int) throws {
    let bench = Bench()
    let (write, _) = bench.send("POST /payment/pay/u1/o1/5")
    bench.complete(.refused(Self.portRefusals[index].0))
    #expect(try describe(try #require(bench.answers[write])) == Self.portRefusals[index].1)

    let (read, _) = bench.send("GET /orders/find/o1")
    bench.tell(.refused(Self.portRefusals[index].0))
    #expect(try describe(try #require(bench.answers[read])) == Self.portRefusals[index].1)
  }

  /// It was appended and may be lost: the client must not take it as undone.
  @Test func unknownAfterwards() throws {
    let bench = Bench()
    let (write, _) = bench.send("POST /payment/pay/u1/o1/5")
    bench.complete(.refused(.outcomeUnknown))
    let problem = try body(try #require(bench.answers[write]))
    #expect(problem.status == 504)
    #expect(problem.code == "outcome_unknown")
    #expect(problem.find_out == "/payment/status/u1/o1")
  }

  /// A log that failed finishes nothing any more: nobody is left to wait for a deadline.
  @Test func aFailedLogEndsWhatWaits() throws {
    let bench = Bench()
    let (write, _) = bench.send("POST /payment/pay/u1/o1/5")
    let (read, _) = bench.send("GET /orders/find/o1")
    bench.api.logFailed()
    #expect(try body(try #require(bench.answers[write])).code == "outcome_unknown")
    #expect(try body(try #require(bench.answers[read])).code == "log_failed")
    #expect(bench.api.waitingCount == 0)
    bench.tell(.outcome(.done, isReplayed: false))
    #expect(bench.answers.count == 2)
  }

  /// Carts and credit are nothing for the cache of a browser or a gateway.
  @Test func whatIsPersonalIsNotToBeStored() {
    let bench = Bench()
    let (read, _) = bench.send("GET /orders/find/o1")
    bench.tell(.view(.order(nil)))
    #expect(bench.answers[read]?.header("Cache-Control") == "no-store")
    #expect(bench.now("GET /nothing").header("Cache-Control") == "no-store")
    #expect(bench.api.refusal(status: 408, detail: "late").header("Cache-Control") == "no-store")
    for line in ["GET /", "GET /openapi.json", "GET /problems"] {
      #expect(bench.now(line).header("Cache-Control") == nil)
    }
  }

  /// The process ends: of a command that waits nobody knows whether it takes effect.
  @Test func theEndOfTheProcessLeavesCommandsUnknown() throws {
    let bench = Bench()
    let (write, _) = bench.send("POST /payment/pay/u1/o1/5")
    let (read, _) = bench.send("GET /orders/find/o1")
    let (price, _) = bench.send("POST /orders/addItem/o1/i1")
    bench.api.stop()
    #expect(try body(try #require(bench.answers[write])).code == "outcome_unknown")
    for other in [read, price] { #expect(try body(try #require(bench.answers[other])).code == "stopping") }
    #expect(bench.api.waitingCount == 0)
  }

  @Test func bodiesOfSuccesses() throws {
    let bench = Bench()
    bench.prices.prices[Self.item] = Money(unchecked: 7)
    let lines = [Slip.Line(item: Self.item, quantity: Quantity(unchecked: 2))]
    let view = OrderView(
      id: Self.order, user: Self.user, lines: lines, total: Money(unchecked: 14), status: .checkingOut)
    let table: [(String, RequestResult, String)] = [
      ("POST /orders/create/u1", .outcome(.created(id: "x"), isReplayed: false), #"{"order_id":"x"}"#),
      ("POST /stock/item/create/1", .outcome(.created(id: "x"), isReplayed: false), #"{"item_id":"x"}"#),
      ("POST /payment/create_user", .outcome(.created(id: "x"), isReplayed: false), #"{"user_id":"x"}"#),
      ("POST /payment/add_funds/u1/1", .outcome(.done, isReplayed: false), #"{"done":true}"#),
      ("POST /orders/checkout/o1", .outcome(.done, isReplayed: false), #"{"done":true}"#),
      (
        "POST /orders/addItem/o1/i1/2", .outcome(.total(Money(unchecked: 14)), isReplayed: false),
        #"{"total_cost":14,"message":"Added 2 of item i1 to order o1; total price updated to 14"}"#
      ),
      (
        "PUT /orders/items/o1/i1/2", .outcome(.total(Money(unchecked: 14)), isReplayed: false),
        #"{"total_cost":14,"message":"Order o1 has 2 of item i1; total price updated to 14"}"#
      ),
      (
        "DELETE /orders/removeItem/o1/i1", .outcome(.total(.zero), isReplayed: false),
        #"{"total_cost":0,"message":"Removed one of item i1 from order o1; total price updated to 0"}"#
      ),
      (
        "GET /orders/find/o1", .view(.order(view)),
        #"{"order_id":"o1","paid":false,"items":[["i1",2]],"user_id":"u1","total_cost":14,"status":"checking_out"}"#
      ),
      (
        "GET /orders/items/o1", .view(.order(view)),
        #"{"order_id":"o1","paid":false,"items":[{"item_id":"i1","quantity":2}],"#
          + #""user_id":"u1","total_cost":14,"status":"checking_out"}"#
      ),
      (
        "GET /stock/find/i1", .view(.item(.init(available: Quantity(unchecked: 3), price: Money(unchecked: 7)))),
        #"{"stock":3,"price":7}"#
      ),
      (
        "GET /payment/find_user/u1",
        .view(.user(.init(id: Self.user, credit: Money(unchecked: 9_007_199_254_740_991)))),
        #"{"user_id":"u1","credit":9007199254740991}"#
      ),
      ("GET /payment/status/u1/o1", .view(.payment(isPaid: true)), #"{"paid":true}"#),
      ("POST /payment/status/u1/o1", .view(.payment(isPaid: false)), #"{"paid":false}"#),
    ]
    for (line, result, expected) in table {
      let (exchange, _) = bench.send(line)
      bench.complete(result)
      bench.tell(result)
      let answer = try #require(bench.answers[exchange], "\(line)")
      #expect(answer.status == 200)
      #expect(answer.text == expected)
      #expect(answer.contentType.description == "application/json")
    }
    #expect(bench.now("GET /").text == #"{"name":"kassa","version":"1.2.3","openapi":"/openapi.json"}"#)
  }

  @Test func whatDoesNotExistIs404() throws {
    let bench = Bench()
    let table: [(String, View, String)] = [
      ("GET /orders/find/o1", .order(nil), "404 unknown_order o1 - -"),
      ("GET /stock/find/i1", .item(nil), "404 unknown_item - i1 -"),
      ("GET /payment/find_user/u1", .user(nil), "404 unknown_user - - u1"),
      ("GET /payment/status/u1/o1", .payment(isPaid: nil), "404 unknown_user - - u1"),
      ("POST /orders/addItem/o1/i1", .item(nil), "404 unknown_item - i1 -"),
    ]
    for (line, view, expected) in table {
      let (exchange, _) = bench.send(line)
      bench.tell(.view(view))
      #expect(try describe(try #require(bench.answers[exchange])) == expected)
    }
    #expect(bench.api.waitingCount == 0)
  }

  /// An answer of the wrong kind is the server's mistake, and does not leave the client waiting.
  @Test func answersOfTheWrongKind() throws {
    let bench = Bench()
    let read = bench.send("GET /orders/find/o1").exchange
    bench.tell(.outcome(.done, isReplayed: false))
    let price = bench.send("POST /orders/addItem/o1/i1").exchange
    bench.tell(.view(.user(nil)))
    let write = bench.send("POST /orders/checkout/o1").exchange
    bench.complete(.view(.order(nil)))
    for exchange in [read, price, write] { #expect(bench.answers[exchange]?.status == 500) }
    #expect(bench.api.waitingCount == 0)
  }

  @Test func everyAnswerCarriesItsIDs() throws {
    let bench = Bench()
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let (exchange, _) = bench.send("POST /orders/checkout/o1", [("TraceParent", trace)])
    let submission = try #require(bench.port.submissions.first)
    #expect(submission.trace?.traceHigh == 0x0af7_6519_16cd_43dd)
    #expect(submission.trace?.traceLow == 0x8448_eb21_1c80_319c)
    #expect(submission.trace?.span == 0xb7ad_6b71_6920_3331)
    #expect(submission.trace?.flags == 1)
    bench.complete(.outcome(.done, isReplayed: false))
    let answer = try #require(bench.answers[exchange])
    #expect(answer.header("traceparent") == trace)
    #expect(answer.header("X-Request-Id") == "00000000000000ab-3-\(String(submission.number, radix: 16))")

    let refused = bench.now("GET /nothing", [("traceparent", trace)])
    #expect(refused.header("traceparent") == trace)
    #expect(try body(refused).request_id == refused.header("X-Request-Id"))
    #expect(try body(refused).instance == "urn:kassa:request:\(refused.header("X-Request-Id") ?? "")")
    #expect(bench.now("GET /", [("traceparent", "00-nonsense")]).header("traceparent") == nil)
  }

  /// What the lane has in memory is answered without asking anybody.
  @Test func aReadFromMemoryWaitsForNobody() throws {
    let bench = Bench()
    bench.port.inMemory[.user(Self.user)] = .user(UserView(id: Self.user, credit: Money(unchecked: 7)))
    bench.port.inMemory[.item(Self.item)] = .item(nil)
    let found = bench.now("GET /payment/find_user/u1")
    #expect(found.status == 200 && String(decoding: found.body, as: UTF8.self) == #"{"user_id":"u1","credit":7}"#)
    #expect(try describe(bench.now("GET /stock/find/i1")) == "404 unknown_item - i1 -")
    #expect(bench.port.questions.isEmpty && bench.api.waitingCount == 0)
    #expect(bench.send("GET /payment/find_user/u2").response == nil && bench.port.questions.count == 1)
  }

  @Test func theServersOwnRefusalsLookAlike() throws {
    let bench = Bench()
    let table: [(UInt16, String)] = [
      (400, "malformed_request"), (408, "request_timeout"), (413, "body_too_large"), (414, "path_too_long"),
      (417, "malformed_request"), (429, "too_many_requests"), (431, "head_too_large"), (500, "internal_error"),
      (501, "internal_error"), (503, "overloaded"), (505, "malformed_request"),
    ]
    var ids: Set<String> = []
    for (status, code) in table {
      let answer = bench.api.refusal(status: status, detail: "why")
      let problem = try body(answer)
      #expect(answer.status == status && problem.status == Int(status) && problem.code == code)
      #expect(problem.detail == "why")
      #expect(answer.header("Retry-After") == (status == 429 || status == 503 ? "1" : nil))
      #expect(ids.insert(problem.request_id).inserted)
    }
  }

  /// `status code order item user`, and in how many seconds to retry.
  private func describe(_ answer: HTTPResponse) throws -> String {
    let problem = try body(answer)
    #expect(problem.status == Int(answer.status))
    #expect(problem.type == "/problems#\(problem.code)")
    #expect(!problem.title.isEmpty && !problem.detail.isEmpty)
    let retry = answer.header("Retry-After").map { ["retry", $0] } ?? []
    let ids = [problem.order_id, problem.item_id, problem.user_id].map { $0 ?? "-" }
    return ([String(answer.status), problem.code] + ids + retry).joined(separator: " ")
  }

  private func body(_ answer: HTTPResponse) throws -> ProblemBody {
    #expect(answer.contentType.description == "application/problem+json")
    return try JSONDecoder().decode(ProblemBody.self, from: Data(answer.body))
  }
}
