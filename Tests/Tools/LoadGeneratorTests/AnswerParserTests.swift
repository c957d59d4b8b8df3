import Model
import Testing

@testable import LoadGenerator

private func parse(_ bytes: [UInt8]) -> AnswerParse { bytes.withUnsafeBufferPointer { AnswerParser.parse($0) } }
private func parse(_ text: String) -> AnswerParse { parse(Array(text.utf8)) }

@Suite struct AnswerParserTests {
  @Test func aWholeAnswerIsRead() {
    let text = "HTTP/1.1 409 Conflict\r\nX: y\r\nContent-Length:  5 \r\nIDEMPOTENT-replayed: True\r\n\r\nhello"
    let count = text.utf8.count
    #expect(
      parse(text)
        == .answer(Answer(status: 409, body: (count - 5)..<count, closes: false, isReplayed: true)))
  }

  @Test func everyPrefixIsIncomplete() {
    let bytes = Array("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}".utf8)
    for count in 0..<bytes.count { #expect(parse(Array(bytes[..<count])) == .incomplete, "\(count)") }
    #expect(parse(bytes) == .answer(Answer(status: 200, body: 57..<59, closes: true, isReplayed: false)))
  }

  @Test(arguments: [
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nto the end",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ])
  func whatCannotBeJudgedIsMalformed(_ text: String) { #expect(parse(text) == .malformed) }

  @Test func aHeadWithoutEndIsGivenUp() {
    let head = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: LoadLimits.headBytesMax)
    #expect(parse(head) == .malformed)
  }

  /// Random bytes, and answers with a few bytes changed: nothing may trap, and a body lies within what was received.
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func noBytesTrap(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let heads = [
      "HTTP/1.1 200 OK\r\nContent-Length: 60\r\nConnection: close\r\n\r\n",
      "HTTP/1.0 409 C\r\ncontent-length:3\r\nIdempotent-Replayed: true\r\n\r\n",
    ]
    let bodies = [
      "{\"order_id\":\"1\",\"paid\":true,\"items\":[[\"2\",1]],\"user_id\":\"3\",\"total_cost\":1,\"status\":\"paid\"}",
      "{\"stock\":12,\"price\":-3}", "{\"user_id\":\"\\u0041\",\"credit\":999999999999999999}",
      "{\"code\":\"x\",\"a\":[{\"b\":[null,true,1]},\"\\\"\"],\"item_id\":\"7\"}",
    ]
    for round in 0..<20_000 {
      var bytes: [UInt8]
      if round % 4 == 0 {
        bytes = (0..<random.index(below: 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      } else {
        bytes = Array((heads[random.index(below: 2)] + bodies[random.index(below: 4)]).utf8)
        for _ in 0..<(1 + random.index(below: 4)) {
          let alphabet = Array("0123456789:\r\n {}[]\",\\-HTTP".utf8)
          bytes[random.index(below: bytes.count)] = alphabet[random.index(below: alphabet.count)]
        }
        bytes = Array(bytes[..<(bytes.count - random.index(below: 20))])
      }
      if case .answer(let answer) = parse(bytes), answer.body.upperBound > bytes.count {
        Issue.record("seed \(seed), round \(round): the body ends behind the bytes")
      }
      let start = bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0
      let body = Array(bytes[start...])
      body.withUnsafeBufferPointer { body in
        _ = (OrderBody(body), ItemBody(body), UserBody(body), ProblemBody(body), CreatedBody(body, member: "user_id"))
      }
    }
  }

  @Test func bodiesAreRead() {
    func order(_ text: String) -> OrderBody? { Array(text.utf8).withUnsafeBufferPointer { OrderBody($0) } }
    let body = order(
      "{ \"status\":\"checking_out\", \"items\":[[\"a\",2],[\"b\",1]],\"paid\":false,\"x\":{\"y\":[1,null]},"
        + "\"total_cost\":30,\"user_id\":\"u\",\"order_id\":\"o\"}\n")
    #expect(body?.isCheckingOut == true && body?.lines.count == 2 && body?.total == 30 && body?.user == "u")
    #expect(order("{\"order_id\":\"o\",\"paid\":false,\"items\":[],\"user_id\":\"u\"}") == nil)
    #expect(
      order("{\"order_id\":\"o\",\"paid\":false,\"items\":[],\"user_id\":\"u\",\"total_cost\":-1}") == nil)
    func item(_ text: String) -> ItemBody? { Array(text.utf8).withUnsafeBufferPointer { ItemBody($0) } }
    #expect(item("{\"stock\":1,\"price\":2}")?.price == 2)
    #expect(item("{\"stock\":1,\"price\":2} x") == nil)
    #expect(item("{\"stock\":1.5,\"price\":2}") == nil)
    #expect(item(String(repeating: "{\"a\":", count: 100)) == nil)
  }
}
