import HTTPServer
import Model
import Runtime
import Ports
import Telemetry

@testable import RestAPI

/// Takes what the API submits and asks; the tests answer by hand.
final class FakePort: RequestPort {
  struct Submission {
    let command: Command
    let partition: PartitionID
    let number: UInt64
    let token: IdempotencyToken?
    let trace: TraceContext?
  }

  let partitioner: Partitioner
  var submissions: [Submission] = []
  var questions: [(query: Query, number: UInt64)] = []
  /// What `look` finds in memory.
  var inMemory: [Query: View] = [:]
  /// Thrown by the next calls, first first; nil accepts.
  var refusals: [RequestRefusal?] = []
  /// Answers within `submit`, as no real port does.
  var answersAtOnce: ((UInt64) -> Void)?

  init(partitions: Int = 8) { partitioner = Partitioner(count: partitions)! }

  func submit(
    _ command: Command, to partition: PartitionID, number: UInt64, idempotency: IdempotencyToken?,
    trace: TraceContext?
  ) throws(RequestRefusal) {
    if !refusals.isEmpty, let refusal = refusals.removeFirst() { throw refusal }
    submissions.append(
      Submission(command: command, partition: partition, number: number, token: idempotency, trace: trace))
    answersAtOnce?(number)
  }

  func look(_ query: Query) -> View? { inMemory[query] }

  func ask(_ query: Query, number: UInt64) throws(RequestRefusal) {
    if !refusals.isEmpty, let refusal = refusals.removeFirst() { throw refusal }
    questions.append((query, number))
  }
}

/// Prices in memory; or, when `isLate`, told when the test says so.
///
/// `@unchecked` because it has state without a lock: a test uses it in one task only.
final class FakePrices: PriceCache, @unchecked Sendable {
  var prices: [ItemID: Money] = [:]
  var isLate = false
  var waiting: [() -> Void] = []
  var clearings = 0

  func price(of item: ItemID, completion: @escaping (PriceAnswer) -> Void) {
    if isLate { waiting.append { completion(self.answer(item)) } } else { completion(answer(item)) }
  }
  private func answer(_ item: ItemID) -> PriceAnswer {
    prices[item].map(PriceAnswer.known) ?? .unknown(PriceTicket(generation: UInt64(clearings)))
  }
  func remember(_ price: Money, of item: ItemID, asked ticket: PriceTicket) {
    if ticket.generation == UInt64(clearings) { prices[item] = price }
  }
  func removeAll() {
    prices = [:]
    clearings += 1
  }
}

/// One lane's API with fakes around it.
final class Bench {
  let port: FakePort
  let prices = FakePrices()
  let metrics = RequestMetrics(routes: RestAPI.routes)
  let api: RestAPI
  private let clock: Clock
  private(set) var answers: [UInt64: HTTPResponse] = [:]
  private var exchanges: UInt64 = 0

  final class Clock { var microseconds: Int64 = 1_000_000 }

  init(
    partitions: Int = 8, limits: RestLimits = RestLimits(), keys: KeyRegistry = KeyRegistry(),
    services: Set<Service> = Set(Service.allCases), random: any RandomNumberGenerator = Counting()
  ) {
    port = FakePort(partitions: partitions)
    let clock = Clock()
    self.clock = clock
    api = RestAPI(
      port: port, prices: prices, keys: keys, metrics: metrics, incarnation: 0xAB, lane: 3, limits: limits,
      services: services, version: "1.2.3", random: random, microseconds: { clock.microseconds })
    api.answer = { [unowned self] exchange, response in
      precondition(self.answers[exchange.number] == nil, "a second answer")
      self.answers[exchange.number] = response
    }
  }

  /// Lets time pass, and the lane look at its deadlines.
  func wait(milliseconds: Int64) {
    clock.microseconds += milliseconds * 1_000
    api.expire(nowMilliseconds: clock.microseconds / 1_000)
  }

  /// The exchange's number, and the answer that was given at once.
  func send(_ line: String, _ headers: [(String, String)] = []) -> (exchange: UInt64, response: HTTPResponse?) {
    let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return send(method: parts[0], path: Array((parts.count > 1 ? parts[1] : "").utf8), headers)
  }

  func send(
    method: String, path: [UInt8], _ headers: [(String, String)] = []
  ) -> (exchange: UInt64, response: HTTPResponse?) {
    let methods: [String: HTTPMethod] = [
      "GET": .get, "HEAD": .head, "POST": .post, "PUT": .put, "DELETE": .delete, "PATCH": .patch,
      "OPTIONS": .options,
    ]
    exchanges += 1
    let number = exchanges
    let response = path.withUnsafeBufferPointer { path in
      let empty = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
      let request = HTTPRequest(method: methods[method] ?? .other, path: path, query: empty) { name in
        let values = headers.filter { $0.0.lowercased() == name.description.lowercased() }
        return (values.count, values.first?.1)
      }
      return api.respond(to: request, as: ExchangeID(number: number))
    }
    return (number, response)
  }

  /// Sends a request whose answer has to come at once.
  func now(_ line: String, _ headers: [(String, String)] = []) -> HTTPResponse {
    send(line, headers).response ?? HTTPResponse(status: 0)
  }

  /// The outcome of everything submitted so far, the same for all.
  func complete(_ result: RequestResult) {
    let submissions = port.submissions
    port.submissions = []
    for submission in submissions { api.finished(submission.number, result) }
  }

  /// As above for questions.
  func tell(_ result: RequestResult) {
    let questions = port.questions
    port.questions = []
    for question in questions { api.finished(question.number, result) }
  }
}

/// Not random at all.
struct Counting: RandomNumberGenerator {
  var last: UInt64 = 0
  mutating func next() -> UInt64 {
    last += 1
    return last
  }
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }
  func header(_ name: String) -> String? { headers.first { $0.name.description == name }?.value }
}
