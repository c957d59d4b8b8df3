import Glibc
import HTTPServer
import TestSupport
import Testing

@Suite(.serialized) struct FuzzTests {
  /// Random bytes, and good requests with a few bytes changed, left out, doubled or cut off. Whatever is sent, the
  /// server goes on answering others, and in the end no exchange is left.
  @Test func anyBytesLeaveTheServerWell() throws {
    var limits = HTTPLimits()
    limits.requestMilliseconds = 100
    limits.idleMilliseconds = 200
    limits.answerMilliseconds = 200
    let server = try TestServer(limits)
    defer { server.end() }
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    let end = RawClient.now + 3_000
    var open: [RawClient] = []
    var rounds = 0
    while RawClient.now < end {
      rounds += 1
      let client = try #require(RawClient(port: server.port), "seed \(seed), round \(rounds)")
      client.send(Self.bytes(&random))
      // Some leave at once, some read, some stay silent.
      switch UInt.random(in: 0..<4, using: &random) {
      case 0: client.close()
      case 1: client.receive(milliseconds: 0)
      default: open.append(client)
      }
      if open.count > 50 { open.removeFirst(25) }
      if rounds % 50 == 0 { try checkAnswers(server, "seed \(seed), round \(rounds)") }
    }
    #expect(rounds > 100)
    open.removeAll()
    try checkAnswers(server, "seed \(seed)")
    #expect(eventually { server.state.openConnections == 0 }, "seed \(seed)")
    let state = server.state
    #expect(state.isIdle && state.waitingRequests == 0 && server.ledger.openConnections == 0, "seed \(seed)")
  }

  private func checkAnswers(_ server: TestServer, _ place: String) throws {
    let client = try #require(RawClient(port: server.port), "\(place)")
    client.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\nGET /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(client.answer()?.body == "now", "\(place)")
    #expect(client.answer()?.body == "later", "\(place)")
    #expect(client.receiveUntilClosed(), "\(place)")
  }

  private static let seeds = [
    "GET /now HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /later?a=b&c HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    "POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "HEAD /now HTTP/1.0\r\nX: y\r\n\r\n",
  ]

  private static let pieces: [[UInt8]] = [
    [0], [10], [13], [13, 10], [13, 10, 13, 10], [32], [9], [58], [0xff], Array("Content-Length: 9\r\n".utf8),
    Array("Transfer-Encoding: chunked\r\n".utf8), Array("%00".utf8), Array("?".utf8), Array("99999999999".utf8),
  ]

  private static func bytes(_ random: inout SeededGenerator) -> [UInt8] {
    if UInt.random(in: 0..<5, using: &random) == 0 {
      return (0..<Int.random(in: 1...3_000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      bytes += Array((seeds.randomElement(using: &random) ?? "").utf8)
    }
    for _ in 0..<Int.random(in: 0...5, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch UInt.random(in: 0..<5, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
      case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 40)], at: place)
      default: bytes.removeLast(bytes.count - place)
      }
    }
    return bytes
  }
}
