import Callers
import Foundation
import HTTPServer
import Model
import Ports
import Problems
import Runtime
import Testing

@testable import RestAPI

/// Each row of the table of endpoints: reached by its method and path, it reads the parameters that its path names, and
/// is refused with the problems that it documents.
@Suite struct TableTests {
  /// A path of a row, with good parameters.
  private func path(_ endpoint: Endpoint, with value: String? = nil, for name: Substring? = nil) -> String {
    endpoint.path.description.split(separator: "/", omittingEmptySubsequences: false).map { segment in
      guard segment.hasPrefix("{") else { return String(segment) }
      if let name, let value, segment == "{\(name)}" { return value }
      return segment.hasSuffix("_id}") ? "x1" : "1"
    }.joined(separator: "/")
  }

  @Test func isReachedByItsMethodAndPath() throws {
    let methods: [HTTPMethod] = [.get, .head, .post, .put, .delete, .patch, .options, .other]
    for endpoint in Endpoint.all where endpoint.service != nil {
      let siblings = Endpoint.all.filter { $0.path.description == endpoint.path.description }.map(\.method)
      for method in methods {
        let bench = Bench()
        let answer = bench.send("\(method.name) \(path(endpoint))").response
        let isTaken = siblings.contains(method == .head ? .get : method)
        #expect((answer?.status == 405) == !isTaken, "\(method) \(endpoint.path)")
        guard let answer, !isTaken else { continue }
        let allow = siblings.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.name.description] }
        #expect(answer.header("Allow") == allow.joined(separator: ", "))
      }
      var segments = PathSegments(bytesMax: 1_024)
      let shape = Array(path(endpoint).utf8).withUnsafeBufferPointer { segments.parse($0) }
      let route = RouteFinder().route(of: segments)
      #expect(shape == .segments && route.template.description == endpoint.path.description)
      let row = try #require(route.row(for: endpoint.method))
      #expect(Endpoint.all[row].id.description == endpoint.id.description)
    }
  }

  /// Matching compares the words at the beginning of a path, and how many segments follow.
  @Test func pathsDifferInWhatIsMatched() {
    var seen: Set<[String]> = []
    for route in Route.all {
      let segments = route.template.description.split(separator: "/")
      #expect(segments.count <= PathSegments.countMax)
      let words = segments.prefix { !$0.hasPrefix("{") }
      #expect(segments.dropFirst(words.count).allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
      #expect(seen.insert(words.map(String.init) + ["\(segments.count)"]).inserted, "\(route.template)")
    }
    #expect(Route.all.flatMap { $0.endpoints.map(\.id.description) } == Endpoint.all.map(\.id.description))
    #expect(Set(Endpoint.all.map(\.id.description)).count == Endpoint.all.count)
    #expect(RestAPI.routes.count == Route.all.count + 1 && Route.root.template.description == "/")
  }

  /// Under the names of the path, within the bounds of the document.
  @Test func parametersAreReadUnderTheirNames() throws {
    let document = try DocumentTests.document()
    let components = try #require(document["components"] as? [String: [String: [String: Any]]])
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    for endpoint in Endpoint.all {
      let documented = try #require(paths[endpoint.path.description]?["\(endpoint.method)"])
      let references = try #require(documented["parameters"] as? [[String: String]]).compactMap { $0["$ref"] }
      let parameters = try references.map { reference in
        try #require(components["parameters"]?[String(reference.split(separator: "/").last ?? "")])
      }.filter { $0["in"] as? String == "path" }
      #expect(parameters.map { $0["name"] as? String } == endpoint.parameters.map(String.init), "\(endpoint.id)")
      #expect((Bench().send("\(endpoint.method.name) \(path(endpoint))").response == nil) == (endpoint.service != nil))
      for (name, parameter) in zip(endpoint.parameters, parameters) {
        #expect(try refusal(endpoint, "$", for: name).parameter == String(name))
        let reference = try #require((parameter["schema"] as? [String: String])?["$ref"])
        let schema = try #require(components["schemas"]?[String(reference.split(separator: "/").last ?? "")])
        guard let least = schema["minimum"] as? Int, let most = schema["maximum"] as? Int else { continue }
        #expect(try refusal(endpoint, "\(most + 1)", for: name).parameter == String(name))
        if least > 0 { #expect(try refusal(endpoint, "\(least - 1)", for: name).parameter == String(name)) }
      }
    }
  }

  private func refusal(_ endpoint: Endpoint, _ value: String, for name: Substring) throws -> ProblemBody {
    let answer = Bench().now("\(endpoint.method.name) \(path(endpoint, with: value, for: name))")
    return try JSONDecoder().decode(ProblemBody.self, from: Data(answer.body))
  }

  /// What is documented, and nothing else.
  @Test(arguments: Endpoint.all.indices) func isRefusedWithWhatItDocuments(_ row: Int) throws {
    let endpoint = Endpoint.all[row]
    guard endpoint.service != nil else {
      #expect(
        endpoint.codes.isEmpty
          && [200, 204].contains(Bench().now("\(endpoint.method.name) \(path(endpoint))").status))
      return
    }
    var codes = try codesOfBadRequests(endpoint)
    for refusal in AnswerTests.portRefusals.map(\.0) {
      codes.insert(try code(endpoint, before: { $0.port.refusals = [refusal] }))
      codes.insert(try code(endpoint, after: { $0.tell(.refused(refusal)) }))
      codes.insert(try code(endpoint, before: Self.knowPrices, after: { $0.complete(.refused(refusal)) }))
    }
    codes.insert(try code(endpoint, before: Self.knowPrices, after: { $0.complete(.refused(.outcomeUnknown)) }))
    // Nobody answers.
    codes.insert(try code(endpoint))
    codes.insert(try code(endpoint, before: Self.knowPrices))
    // Nothing has the id.
    for view: View in [.order(nil), .item(nil), .user(nil), .payment(isPaid: nil)] {
      codes.insert(try code(endpoint, after: { if $0.asks(for: view) { $0.tell(.view(view)) } }))
    }
    for (refusal, _) in AnswerTests.refusals {
      codes.insert(
        try code(
          endpoint, before: Self.knowPrices,
          after: { bench in
            guard let command = bench.port.submissions.first?.command, command.mayBeRefused(with: refusal) else {
              return
            }
            bench.complete(.outcome(.refused(refusal), isReplayed: false))
          }))
    }
    #expect(codes.subtracting([nil]) == Set(endpoint.codes), "\(endpoint.id)")
    #expect(endpoint.codes.count == Set(endpoint.codes).count)
  }

  private static func knowPrices(_ bench: Bench) { bench.prices.prices[ItemID(unchecked: "x1")] = .zero }

  /// Of requests that nobody should send, and callers that nobody knows.
  private func codesOfBadRequests(_ endpoint: Endpoint) throws -> Set<ProblemCode?> {
    var codes: Set<ProblemCode?> = [try code(endpoint, suffix: "%zz")]
    for name in endpoint.parameters {
      for value in ["$", "9007199254740992"] { codes.insert(try code(endpoint, with: value, for: name)) }
    }
    codes.insert(try code(endpoint, [("Idempotency-Key", "")]))
    codes.insert(
      try code(
        endpoint, [("Idempotency-Key", "k")],
        before: { _ = $0.send("POST /stock/add/y/7", [("Idempotency-Key", "k")]) }))
    codes.insert(try code(endpoint, [("Sec-Fetch-Site", "cross-site")]))
    let secret = String(repeating: "s", count: 43)
    let digest = SHA256Digest(of: secret.utf8)
    let scope = try #require(endpoint.scope)
    let file = try KeyFile("good \(digest) \(scope) 1/1\nbad \(digest) operator:read")
    let table = CallerTable(file, defaultRate: nil)
    let good = [("X-API-Key", "good.\(secret)")]
    for headers in [[], [("X-API-Key", "bad.\(secret)")]] {
      codes.insert(try code(endpoint, headers, before: { $0.api.callers = CallerGate(table) }))
    }
    codes.insert(
      try code(
        endpoint, good,
        before: { bench in
          bench.api.callers = CallerGate(table)
          _ = bench.send("\(endpoint.method.name) \(path(endpoint))", good)
        }))
    return codes
  }

  /// The code of the answer to a request, which comes at the deadline at the latest; nil for a good one.
  private func code(
    _ endpoint: Endpoint, _ headers: [(String, String)] = [], with value: String? = nil, for name: Substring? = nil,
    suffix: String = "", before: (Bench) -> Void = { _ in }, after: (Bench) -> Void = { _ in }
  ) throws -> ProblemCode? {
    let bench = Bench()
    before(bench)
    let path = path(endpoint, with: value, for: name) + suffix
    let (exchange, response) = bench.send("\(endpoint.method.name) \(path)", headers)
    after(bench)
    bench.wait(milliseconds: RestLimits().batchDeadlineMilliseconds)
    let answer = try #require(response ?? bench.answers[exchange])
    guard answer.status != 200 else { return nil }
    let body = try JSONDecoder().decode(ProblemBody.self, from: Data(answer.body))
    let code = try #require(ProblemCode(rawValue: body.code))
    #expect(answer.status == code.status)
    return code
  }
}

extension Bench {
  /// Whether a question waits for a view of this kind.
  fileprivate func asks(for view: View) -> Bool {
    switch (port.questions.first?.query, view) {
    case (.order?, .order), (.item?, .item), (.user?, .user), (.payment?, .payment): true
    default: false
    }
  }
}

extension Command {
  /// Whether a partition may refuse the command so, as the machines of the shop do.
  fileprivate func mayBeRefused(with refusal: Refusal) -> Bool {
    switch (refusal, self) {
    case (.idempotencyKeyReused, _): true
    case (.alreadyExists, .orders(.create)), (.alreadyExists, .stock(.create)), (.alreadyExists, .payments(.create)):
      true
    case (_, .orders(.create)), (_, .stock(.create)), (_, .payments(.create)): false

    case (.unknownOrder, .orders(.batchInit)): false
    case (.unknownOrder, .orders): true
    case (.checkoutUnderWay, .orders(.checkout)): false
    case (.checkoutUnderWay, .orders): true
    case (.orderPaid, .orders(.checkout)), (.orderPaid, .orders(.batchInit)): false
    case (.orderPaid, .orders): true
    case (.tooManyLines, .orders(.addItem)), (.tooManyLines, .orders(.setItem)): true
    case (.itemNotInOrder, .orders(.removeItem)): true
    case (.tooManyJoined, .orders(.checkout)), (.checkoutFailed, .orders(.checkout)): true
    case (.amountOutOfRange, .orders(.remove)), (.amountOutOfRange, .orders(.removeItem)): false
    case (.amountOutOfRange, .orders): true

    case (.unknownItem, .stock(.add)), (.unknownItem, .stock(.subtract)): true
    case (.lessInStock, .stock(.subtract)): true
    case (.amountOutOfRange, .stock(.add)), (.amountOutOfRange, .stock(.batchInit)): true

    case (.unknownUser, .payments(.batchInit)): false
    case (.unknownUser, .payments): true
    case (.notEnoughCredit, .payments(.pay)): true
    case (.paymentConflict, .payments(.pay(_, _?, _))), (.paymentConflict, .payments(.cancel)): true
    case (.unknownPayment, .payments(.cancel)): true
    case (.amountOutOfRange, .payments(.pay)): false
    case (.amountOutOfRange, .payments): true
    default: false
    }
  }
}
