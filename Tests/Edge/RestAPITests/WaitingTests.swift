import HTTPServer
import Model
import Runtime
import Testing

@testable import RestAPI

/// Deadlines, bounds, clients that go away, prices that come late.
@Suite struct WaitingTests {
  @Test func deadlinesAnswerOnce() throws {
    let bench = Bench()
    let write = bench.send("POST /orders/create/u1").exchange
    let keyed = bench.send("POST /orders/create/u1", [("Idempotency-Key", "made")]).exchange
    let repeatable = bench.send("POST /orders/checkout/o1", [("Idempotency-Key", "k")]).exchange
    let read = bench.send("GET /orders/find/o1").exchange
    bench.wait(milliseconds: 9_999)
    #expect(bench.answers.isEmpty)
    bench.wait(milliseconds: 1)
    let unknown = try #require(bench.answers[write])
    #expect(unknown.status == 504 && unknown.text.contains("outcome_unknown"))
    #expect(unknown.text.contains(#""find_out":"/orders/find/100000002000000""#))
    // The first request under the key may have made another one.
    #expect(bench.answers[keyed]?.text.contains("find_out") == false)
    #expect(bench.answers[repeatable]?.text.contains("same Idempotency-Key") == true)
    #expect(bench.answers[read]?.text.contains("timed_out") == true)
    // What comes late reaches nobody; `Bench` fails on a second answer.
    bench.complete(.outcome(.done, isReplayed: false))
    bench.tell(.view(.order(nil)))
    #expect(bench.answers.count == 4 && bench.api.waitingCount == 0)
  }

  @Test func onlyTheOldExpire() {
    let bench = Bench()
    let first = bench.send("POST /orders/checkout/o1").exchange
    bench.wait(milliseconds: 6_000)
    let second = bench.send("POST /orders/checkout/o2").exchange
    bench.wait(milliseconds: 6_000)
    #expect(bench.answers[first]?.status == 504 && bench.answers[second] == nil)
    bench.wait(milliseconds: 4_000)
    #expect(bench.answers[second]?.status == 504)
  }

  @Test func boundedPerLane() throws {
    var limits = RestLimits()
    limits.pendingRequestsMax = 3
    let bench = Bench(limits: limits)
    let waiting = (0..<3).map { _ in bench.send("POST /orders/checkout/o1").exchange }
    let refused = bench.now("GET /orders/find/o1")
    #expect(refused.status == 503 && refused.header("Retry-After") == "1")
    #expect(bench.now("POST /orders/addItem/o1/i1").status == 503)
    bench.api.abandoned(ExchangeID(number: waiting[1]))
    #expect(bench.send("GET /orders/find/o1").response == nil)
    bench.complete(.outcome(.done, isReplayed: false))
    #expect(bench.answers[waiting[1]] == nil && bench.answers[waiting[2]]?.status == 200)
  }

  /// One request waits for its deadline while many come and go behind it: what is remembered stays bounded.
  @Test func theQueueOfDeadlinesIsSwept() {
    var pending = PendingRequests(countMax: 10)
    func request(_ number: UInt64) -> PendingRequest {
      let origin = RequestOrigin(
        exchange: ExchangeID(number: number), route: .root, startedMicroseconds: 0, trace: nil,
        traceparent: nil)
      return PendingRequest(origin: origin, step: .read(.order(OrderID(unchecked: "o"))))
    }
    pending.insert(request(0), deadlineMilliseconds: 1_000)
    for number in UInt64(1)...10_000 {
      pending.insert(request(number), deadlineMilliseconds: 1_000)
      #expect(pending.remove(number) != nil)
      #expect(pending.remove(number) == nil)
    }
    #expect(pending.count == 1 && pending.queuedNumbers <= 85)
    #expect(pending.removeExpired(nowMilliseconds: 999) == nil)
    #expect(pending.removeExpired(nowMilliseconds: 1_000)?.origin.exchange.number == 0)
    #expect(pending.removeExpired(nowMilliseconds: 1_000) == nil)
    #expect(pending.queuedNumbers == 0)
  }

  @Test func anAdditionAsksForThePriceOnce() throws {
    let bench = Bench()
    let item = ItemID(unchecked: "i1")
    let first = bench.send("POST /orders/addItem/o1/i1/2", [("Idempotency-Key", "k")]).exchange
    #expect(bench.port.questions.map(\.query) == [.item(item)])
    #expect(bench.port.submissions.isEmpty)
    bench.tell(.view(.item(.init(available: .zero, price: Money(unchecked: 5)))))
    let submission = try #require(bench.port.submissions.first)
    #expect(
      submission.command
        == .orders(.addItem(OrderID(unchecked: "o1"), item, Quantity(unchecked: 2), price: Money(unchecked: 5))))
    #expect(submission.token?.key.text == "k")
    bench.complete(.outcome(.total(Money(unchecked: 10)), isReplayed: false))
    #expect(bench.answers[first]?.status == 200)
    _ = bench.send("POST /orders/addItem/o1/i1")
    #expect(bench.port.questions.isEmpty && bench.port.submissions.count == 1)
  }

  @Test func aLatePriceFindsTheRequestOrNobody() {
    let bench = Bench()
    bench.prices.isLate = true
    bench.prices.prices[ItemID(unchecked: "i1")] = Money(unchecked: 5)
    let kept = bench.send("POST /orders/addItem/o1/i1").exchange
    let abandoned = bench.send("POST /orders/addItem/o1/i1").exchange
    bench.api.abandoned(ExchangeID(number: abandoned))
    for told in bench.prices.waiting { told() }
    #expect(bench.port.submissions.count == 1)
    bench.complete(.outcome(.total(.zero), isReplayed: false))
    #expect(bench.answers[kept]?.status == 200 && bench.answers[abandoned] == nil)

    bench.prices.waiting = []
    let refused = bench.send("POST /orders/addItem/o1/i1").exchange
    bench.port.refusals = [.overloaded]
    for told in bench.prices.waiting { told() }
    #expect(bench.answers[refused]?.status == 503)
    #expect(bench.api.waitingCount == 0)
  }

  /// Before anything was submitted nothing is unknown.
  @Test func aPriceThatNeverComes() {
    let bench = Bench()
    let exchange = bench.send("POST /orders/addItem/o1/i1").exchange
    let number = bench.port.questions[0].number
    bench.wait(milliseconds: 10_000)
    #expect(bench.answers[exchange]?.text.contains("timed_out") == true)
    bench.api.finished(number, .view(.item(.init(available: .zero, price: .zero))))
    #expect(bench.port.submissions.isEmpty)
  }

  @Test func unknownNumbersAreIgnored() {
    let bench = Bench()
    for number: UInt64 in [0, 1, 2, 3, 4, .max, 1 << 63] {
      bench.api.finished(number, .outcome(.done, isReplayed: false))
    }
    // The right exchange, another step.
    let exchange = bench.send("GET /orders/find/o1").exchange
    bench.api.finished(exchange << 2 | 2, .outcome(.done, isReplayed: false))
    #expect(bench.answers.isEmpty && bench.api.waitingCount == 1)
  }

  /// An outcome that is there before `submit` returns is the answer that `respond` gives.
  @Test func answeredWithinSubmit() {
    let bench = Bench()
    bench.port.answersAtOnce = { bench.api.finished($0, .outcome(.done, isReplayed: false)) }
    #expect(bench.now("POST /orders/checkout/o1").status == 200)
    #expect(bench.now("POST /stock/batch_init/100000/1/1").status == 200)
    #expect(bench.answers.isEmpty && bench.api.waitingCount == 0)
  }
}
