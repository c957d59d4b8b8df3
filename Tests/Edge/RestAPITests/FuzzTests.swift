import Foundation
import HTTPServer
import Model
import Problems
import TestSupport
import Testing

@testable import RestAPI

/// Whatever stands in a path, the answer is one of ours and nothing traps.
@Suite struct FuzzTests {
  @Test(arguments: [UInt64(1), 2, 3, 4]) func randomPathsNeverTrap(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let words = Route.all.map(\.template.description) + ["%", "%41", "%2F", "/", "//", "-1", "9007199254740991"]
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "X"]
    let bench = Bench(limits: RestLimits())
    for round in 0..<5_000 {
      var path: [UInt8] = []
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        path += Array((words.randomElement(using: &random) ?? "").utf8)
        for _ in 0..<Int.random(in: 0...6, using: &random) { path.append(UInt8.random(in: 0...255, using: &random)) }
      }
      if Bool.random(using: &random), !path.isEmpty {
        path[Int.random(in: 0..<path.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let method = methods.randomElement(using: &random) ?? "GET"
      let (exchange, response) = bench.send(method: method, path: path)
      if let response {
        let isExpected = [200, 204, 400, 404, 405, 414].contains(response.status)
        #expect(isExpected, "seed \(seed), round \(round): \(response.status)")
      } else {
        bench.api.abandoned(.init(number: exchange))
      }
    }
    #expect(bench.api.waitingCount == 0)
  }

  @Test(arguments: [UInt64(5), 6]) func randomBytesAsWholePath(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let bench = Bench()
    for round in 0..<5_000 {
      let path = (0..<Int.random(in: 0...1_100, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let status = bench.send(method: "GET", path: path).response?.status ?? 0
      #expect([400, 404, 414].contains(status), "seed \(seed), round \(round): \(status)")
    }
  }

  /// Numbers around every bound: accepted exactly when they lie in 0…2^53−1.
  @Test(arguments: [UInt64(7), 8]) func amountsAroundTheLimits(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let anchors: [Int64] = [0, 1, 9, 10, 1 << 31, 1 << 32, (1 << 53) - 1, 1 << 53, (1 << 62), .max]
    let bench = Bench()
    for _ in 0..<2_000 {
      let anchor = anchors.randomElement(using: &random) ?? 0
      let value = anchor.addingReportingOverflow(Int64.random(in: -3...3, using: &random))
      guard !value.overflow, value.partialValue >= 0 else { continue }
      let zeros = String(repeating: "0", count: Int.random(in: 0...30, using: &random))
      let (exchange, response) = bench.send("POST /stock/item/create/\(zeros)\(value.partialValue)")
      let isLegal = value.partialValue <= 9_007_199_254_740_991
      #expect((response == nil) == isLegal, "seed \(seed): \(value.partialValue)")
      if isLegal {
        guard case .stock(.create(_, let price, _))? = bench.port.submissions.last?.command else {
          Issue.record("seed \(seed): no command for \(value.partialValue)")
          return
        }
        #expect(price.value == value.partialValue)
        bench.api.abandoned(.init(number: exchange))
      }
    }
  }

  @Test func detailsWithAnythingInThemAreJSON() throws {
    var nasty = "\"\\/\u{0}\u{1}\u{1F}\u{7F}\n\r\té😀</script>"
    nasty.append("\u{2028}")
    let body = Problem(.internalError, nasty, ("id", nasty)).body(requestID: nasty)
    let read = try JSONDecoder().decode(ProblemBody.self, from: Data(body))
    #expect(read.detail == nasty)
    #expect(read.request_id == nasty)
  }
}
