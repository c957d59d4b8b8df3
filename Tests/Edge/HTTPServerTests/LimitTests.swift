import Glibc
import Lanes
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct LimitTests {
  private static let plain = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
  private let plain = Self.plain

  @Test func sizesAreBounded() throws {
    let server = try TestServer()
    defer { server.end() }
    let x = { (count: Int) in String(repeating: "x", count: count) }
    let table: [(String, Int)] = [
      ("GET /\(x(2_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 404),
      ("GET /\(x(2_048)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
      ("GET /now?\(x(2_048)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
      ("GET /now?\(String(repeating: "a&", count: 1_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 200),
      ("GET /\(x(100_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
      ("GET /now HTTP/1.1\r\nHost: a\r\nX: \(x(8_000))\r\n\r\n", 200),
      ("GET /now HTTP/1.1\r\nHost: a\r\nX: \(x(8_192))\r\n\r\n", 431),
      ("GET /now HTTP/1.1\r\nHost: a\r\nX: \(x(100_000))\r\n\r\n", 431),
      ("GET /now HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a: b\r\n", count: 99))\r\n", 200),
      ("GET /now HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a: b\r\n", count: 100))\r\n", 431),
      ("GET /now HTTP/1.1\r\nHost: a\r\n\(String(repeating: "a:\r\n", count: 1_900))\r\n", 431),
      ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n\(x(65_536))", 200),
      ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n\(x(65_537))", 413),
      ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n\(x(65_536))\r\n0\r\n\r\n", 200),
      ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n\(x(65_537))\r\n0\r\n\r\n", 413),
    ]
    for (text, status) in table {
      let client = try #require(RawClient(port: server.port))
      client.send(text)
      let answer = client.answer()
      // A client that still sends when it is refused may see its connection reset instead.
      let isCutOff = answer == nil && text.utf8.count > 90_000 && client.isClosed
      #expect(answer?.status == status || isCutOff, "\(text.prefix(60).debugDescription), \(text.utf8.count) bytes")
      if status >= 413, answer != nil { #expect(client.receiveUntilClosed(), "\(text.prefix(60).debugDescription)") }
    }
  }

  @Test func endlessBodyIsCutOff() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    client.send("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    let chunk = "4000\r\n\(String(repeating: "x", count: 0x4000))\r\n"
    var sent = 0
    while sent < 1_000, client.send(chunk) { sent += 1 }
    #expect(sent < 1_000)
  }

  @Test(arguments: ["G", "GET /now HTTP/1.1\r\nX: ", "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"])
  func slowSenderIsClosedInTime(_ start: String) throws {
    var limits = HTTPLimits()
    limits.requestMilliseconds = 300
    let server = try TestServer(limits)
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    let began = RawClient.now
    client.send(start)
    while !client.isClosed, RawClient.now < began + 5_000 {
      client.send("x")
      client.receive(milliseconds: 5)
    }
    #expect(client.isClosed)
    #expect((250...1_500).contains(RawClient.now - began))
    if start.count > 1 { #expect(Answer.parse(client.received)?.0.status == 408) }
    #expect(eventually { server.state.openConnections == 0 })
  }

  @Test func silentConnectionsAreClosedInTime() throws {
    var limits = HTTPLimits()
    limits.requestMilliseconds = 200
    limits.idleMilliseconds = 400
    let server = try TestServer(limits)
    defer { server.end() }
    let fresh = try #require(RawClient(port: server.port))
    let used = try #require(RawClient(port: server.port))
    used.send(plain)
    #expect(used.answer()?.body == "now")
    #expect(fresh.receiveUntilClosed())
    #expect(!used.isClosed)
    #expect(used.receiveUntilClosed())
    #expect(used.received.isEmpty)
  }

  /// The time in which a request has to arrive is its own, however long the connection was silent before it.
  @Test(arguments: [plain, nil]) func silenceBeforeARequestIsNotCounted(_ first: String?) throws {
    var limits = HTTPLimits()
    limits.requestMilliseconds = 1_000
    limits.idleMilliseconds = first == nil ? 1_000 : 1_200
    let server = try TestServer(limits)
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    if let first {
      client.send(first)
      #expect(client.answer()?.body == "now")
    }
    usleep(800_000)
    client.send("GET /now HT")
    usleep(300_000)
    client.send("TP/1.1\r\n")
    usleep(300_000)
    client.send("Host: a\r\n\r\n")
    #expect(client.answer()?.body == "now")
  }

  @Test(arguments: ["", plain], ["GET /", "GET /now HTTP/1.1\r\nX: "])
  func dripOnAUsedConnectionIsClosedInTime(_ pipelined: String, _ start: String) throws {
    var limits = HTTPLimits()
    limits.requestMilliseconds = 300
    limits.idleMilliseconds = 60_000
    let server = try TestServer(limits)
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    let began = RawClient.now
    client.send(plain + pipelined + start)
    for _ in 0..<(pipelined.isEmpty ? 1 : 2) { #expect(client.answer()?.body == "now") }
    while !client.isClosed, RawClient.now < began + 5_000 {
      client.send("x")
      client.receive(milliseconds: 20)
    }
    #expect(client.isClosed)
    #expect((250...2_000).contains(RawClient.now - began))
    if start.utf8.contains(0x0d) { #expect(Answer.parse(client.received)?.0.status == 408) }
  }

  @Test func slowReaderIsClosedInTime() throws {
    var limits = HTTPLimits()
    limits.answerMilliseconds = 200
    let server = try TestServer(limits)
    defer { server.end() }
    let client = try #require(RawClient(port: server.port, receiveBufferBytes: 4_096))
    client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(eventually { !server.state.isIdle })
    #expect(eventually { server.state.openConnections == 0 && server.state.isIdle })
    let reader = try #require(RawClient(port: server.port))
    reader.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    while reader.receive(milliseconds: 1_000) {
      if reader.received.count >= 4_000_000 { break }
    }
    #expect(reader.received.count >= 4_000_000)
  }

  /// Clients that make a server wait cost it no processor time meanwhile.
  @Test func waitingForClientsTakesNoTurns() throws {
    let server = try TestServer()
    defer { server.end() }
    let starts = [
      "", "GET /now", "GET /now HTTP/1.1\r\nHost: a\r\nX: ",
      "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
      "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "GET /never HTTP/1.1\r\nHost: a\r\n\r\n\(plain)", "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", plain,
    ]
    let clients = starts.compactMap { start in
      let client = RawClient(port: server.port, receiveBufferBytes: 4_096)
      client?.send(start)
      return client
    }
    #expect(eventually { server.state.openConnections == clients.count && server.state.waitingRequests == 1 })
    let isQuiet = eventually {
      let before = server.turns.withLock { $0 }
      usleep(300_000)
      return server.turns.withLock { $0 } - before < 20
    }
    #expect(isQuiet)
    #expect(clients.count == starts.count)
  }

  /// The beginning of a chunk that fills a connection's memory cannot be read on; the server must not try all the time.
  @Test func endlessChunkSizesTakeFewTurns() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    client.send("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;")
    client.send(Array(repeating: 0x61, count: 40_000))
    let other = try #require(RawClient(port: server.port))
    other.send(plain)
    #expect(other.answer()?.body == "now")
    let isQuiet = eventually {
      let before = server.turns.withLock { $0 }
      usleep(300_000)
      // Sixty pauses, and the timer of deadlines.
      return server.turns.withLock { $0 } - before < 300
    }
    #expect(isQuiet)
    other.send(plain)
    #expect(other.answer()?.body == "now")
    #expect(server.state.openConnections == 2)
  }

  @Test func connectionsAreBounded() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 10
    limits.connectionsPerAddressMax = 4
    let server = try TestServer(limits)
    defer { server.end() }
    let clients = try (0..<4).map { _ in try #require(RawClient(port: server.port)) }
    for client in clients { client.send("GET /now HTTP/1.1\r\n") }
    #expect(eventually { server.ledger.openConnections == 4 })
    for _ in 0..<5 {
      let client = try #require(RawClient(port: server.port))
      client.send(plain)
      let answer = try #require(client.answer())
      #expect(answer.status == 429 && answer.closes && answer.body.contains("from this address"))
      #expect(client.receiveUntilClosed() && client.received.isEmpty)
    }
    #expect(server.ledger.openConnections == 4)
    #expect(server.ledger.refusedConnections == 5 && server.ledger.displacedConnections == 0)
    for client in clients {
      client.send("Host: a\r\n\r\n")
      #expect(client.answer()?.body == "now")
    }
    clients[0].close()
    #expect(eventually { server.ledger.openConnections == 3 })
    let next = try #require(RawClient(port: server.port))
    next.send(plain)
    #expect(next.answer()?.body == "now")
  }

  /// Whom the library refuses is found among others that are in the midst of a request, and those are served.
  @Test func libraryRefusalsLeaveOthersAlone() throws {
    let server = try TestServer()
    defer { server.end() }
    let starts = [
      "", plain, "GET /n", plain + "GET /n", "GET /now HTTP/1.1\r\nX: a", "POST /now HTTP/1.1\r\nHost: a\r\n",
    ]
    var others: [RawClient] = []
    for start in starts + starts {
      let client = try #require(RawClient(port: server.port))
      client.send(start)
      if start.hasPrefix(plain) { #expect(client.answer()?.body == "now") }
      others.append(client)
    }
    #expect(eventually { server.state.openConnections == others.count })
    let chunked = "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    let refused = [
      ("GET /\r\n", 400), ("GET / HTTP/2.0\r\n", 505), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
      (chunked + "x\r\n", 400), (chunked + "fffffffffffffffff\r\n", 413),
      (chunked + "0\r\n" + String(repeating: "T: u\r\n", count: 5_000), 431),
    ]
    for (text, status) in refused {
      // On a new connection, and on a used one, where the answer cannot leave in the same step.
      for first in ["", plain] {
        let client = try #require(RawClient(port: server.port))
        client.send(first)
        if !first.isEmpty { #expect(client.answer()?.body == "now") }
        client.send(text)
        let answer = client.answer()
        #expect(answer?.status == status && answer?.head.contains("problem+json") == true, "\(text.debugDescription)")
        #expect(client.receiveUntilClosed() && client.received.isEmpty)
      }
    }
    let ends = [
      plain, plain, "ow HTTP/1.1\r\nHost: a\r\n\r\n", "ow HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nHost: a\r\n\r\n", "\r\n",
    ]
    for (client, end) in zip(others, ends + ends) {
      client.send(end)
      #expect(client.answer()?.body == "now", "\(end.debugDescription)")
    }
  }

  @Test func connectionsBeyondAllAreToldSoOrClosed() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 1
    limits.connectionsPerAddressMax = 1
    limits.requestMilliseconds = 400
    let server = try TestServer(limits)
    defer { server.end() }
    let first = try #require(RawClient(port: server.port))
    first.send("GET /n")
    #expect(eventually { server.state.openConnections == 1 })
    // Silent ones are closed in time, and as many as are not answered at the same time at once.
    let silent = try (0..<ConnectionLedger.surplusPerAddressMax).map { _ in
      try #require(RawClient(port: server.port))
    }
    #expect(eventually { server.state.openConnections == 1 + silent.count })
    let closed = try #require(RawClient(port: server.port))
    #expect(closed.receiveUntilClosed(milliseconds: 300) && closed.received.isEmpty)
    for client in silent { #expect(client.receiveUntilClosed() && client.received.isEmpty) }
    first.send("ow HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(first.answer()?.body == "now" || first.isClosed)
  }

  /// Whoever fills a server with idle connections loses them to newcomers, those idle for longest first.
  @Test func idleConnectionsMakeRoom() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 4
    limits.connectionsPerAddressMax = 4
    let server = try TestServer(limits)
    defer { server.end() }
    let busy = try #require(RawClient(port: server.port))
    busy.send("GET /n")
    var idle: [RawClient] = []
    for isUsed in [true, false, true] {
      let client = try #require(RawClient(port: server.port))
      if isUsed {
        client.send(plain)
        #expect(client.answer()?.body == "now")
      }
      idle.append(client)
      #expect(eventually { server.ledger.openConnections == 1 + idle.count })
      usleep(20_000)
    }
    // The first one is used again.
    idle[0].send(plain)
    #expect(idle[0].answer()?.body == "now")
    idle = [idle[1], idle[2], idle[0]]
    let early = try #require(RawClient(port: server.port))
    early.send(plain)
    #expect(early.answer()?.status == 429 && server.ledger.displacedConnections == 0, "none has been idle for long")
    var refused: UInt64 = 1
    for count in 1...3 {
      var newcomer = try #require(RawClient(port: server.port))
      // Refused until the next one has been idle for long.
      let isServed = eventually {
        newcomer.send(plain)
        if newcomer.answer()?.status == 200 { return true }
        refused += 1
        usleep(10_000)
        if let next = RawClient(port: server.port) { newcomer = next }
        return false
      }
      #expect(isServed)
      let displaced = idle.removeFirst()
      #expect(displaced.receiveUntilClosed() && displaced.received.isEmpty)
      #expect(server.ledger.displacedConnections == UInt64(count) && server.ledger.openConnections == 4)
      #expect(idle.allSatisfy { !$0.receive(milliseconds: 1) && !$0.isClosed })
      idle.append(newcomer)
      usleep(20_000)
    }
    busy.send("ow HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(busy.answer()?.body == "now")
    #expect(server.ledger.refusedConnections == refused)
    #expect(eventually { server.state.openConnections == 4 })
    for client in idle + [busy] { client.close() }
    #expect(eventually { server.ledger.openConnections == 0 && server.state.openConnections == 0 })
  }

  /// Makes room on whichever lane the connection idle for longest is, at an address's bound only within the address.
  @Test func theLedgerDisplacesTheLongestIdle() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 3
    limits.connectionsPerAddressMax = 2
    let ledger = ConnectionLedger(limits: limits)
    let lanes = [ledger.join(), ledger.join()]
    var far: [Int32] = []
    defer { for socket in far { close(socket) } }
    func open(_ lane: Int, _ from: UInt8, _ now: UInt64) -> IdlePlace {
      var pair: [Int32] = [0, 0]
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
      far += pair
      return lanes[lane].open(socket: pair[0], address: address(from), now: now)
    }
    for from in [1, 1, 2] { #expect(ledger.admit(address(UInt8(from)), at: 7) == .welcome) }
    let places = [open(0, 1, 5), open(0, 1, 7), open(1, 2, 3)]
    // In the order in which they are displaced: the first of the same address, then the oldest of all.
    for (newcomer, displaced, since) in [(UInt8(1), 0, UInt64(5)), (3, 2, 3), (3, 1, 7)] {
      let second = ConnectionLedger.idleMillisecondsMin
      let bound: ConnectionLedger.Bound = newcomer == 1 ? .perAddress : .total
      #expect(ledger.admit(address(newcomer), at: since + second - 1) == .surplus(bound), "not idle for long")
      ledger.leave(address(newcomer), isSurplus: true)
      #expect(ledger.admit(address(newcomer), at: since + second) == .welcome)
      for (number, place) in places.enumerated() where number == displaced { #expect(lanes[number / 2].busy(place)) }
      var byte: UInt8 = 0
      #expect(recv(far[displaced * 2 + 1], &byte, 1, Int32(MSG_DONTWAIT)) == 0)
      #expect(ledger.openConnections == 3)
    }
    #expect(ledger.admit(address(3), at: .max) == .surplus(.perAddress))
    #expect(ledger.admit(address(4), at: .max) == .surplus(.total))
    #expect(ledger.displacedConnections == 3 && ledger.refusedConnections == 5 && ledger.acceptedConnections == 6)
    // The displaced ones have left the count when they are closed.
    for (number, place) in places.enumerated() { #expect(lanes[number / 2].close(place)) }
    for from in [1, 1, 2] { ledger.leave(address(UInt8(from)), isSurplus: true) }
    #expect(ledger.openConnections == 3)
  }

  /// The lane of a displaced connection may see it closed before it is counted as one beyond the bounds.
  @Test func whoIsDisplacedAndLeavesAtOnceIsCountedOnce() throws {
    var limits = HTTPLimits()
    limits.connectionsMax = 1
    limits.connectionsPerAddressMax = 1
    let ledger = ConnectionLedger(limits: limits)
    let lane = ledger.join()
    var pair: [Int32] = [0, 0]
    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
    defer { for socket in pair { close(socket) } }
    for count in 1...(2 * ConnectionLedger.surplusPerAddressMax) {
      let (old, new) = (address(UInt8(count % 2)), address(UInt8((count + 1) % 2)))
      if count == 1 { #expect(ledger.admit(old, at: 0) == .welcome) }
      let place = lane.open(socket: pair[0], address: old, now: 0)
      ledger.leave(old, isSurplus: true)
      #expect(ledger.admit(new, at: ConnectionLedger.idleMillisecondsMin) == .welcome)
      #expect(lane.close(place))
    }
    for _ in 0..<ConnectionLedger.surplusPerAddressMax {
      #expect(ledger.admit(address(0), at: 0) == .surplus(.total))
    }
    #expect(ledger.openConnections == 1)
  }

  private func address(_ last: UInt8) -> PeerAddress {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(last).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { PeerAddress($0) }
    }
  }

  /// Another address than that of the connection that is open is refused for all of them.
  @Test func theLedgerTellsWhichBoundWasReached() {
    var limits = HTTPLimits()
    limits.connectionsMax = 2
    limits.connectionsPerAddressMax = 1
    let ledger = ConnectionLedger(limits: limits)
    #expect(ledger.admit(address(1), at: 0) == .welcome)
    #expect(ledger.admit(address(1), at: 0) == .surplus(.perAddress))
    #expect(ledger.admit(address(2), at: 0) == .welcome)
    #expect(ledger.admit(address(3), at: 0) == .surplus(.total))
    #expect(ledger.openConnections == 2 && ledger.refusedConnections == 2 && ledger.acceptedConnections == 2)
    for _ in 1..<ConnectionLedger.surplusPerAddressMax {
      #expect(ledger.admit(address(3), at: 0) == .surplus(.total))
    }
    #expect(ledger.admit(address(3), at: 0) == .turnedAway)
    ledger.leave(address(3), isSurplus: true)
    #expect(ledger.admit(address(3), at: 0) == .surplus(.total))
    ledger.leave(address(1), isSurplus: false)
    #expect(ledger.admit(address(3), at: 0) == .welcome)
    #expect(ledger.openConnections == 2)
  }

  @Test func contradictingLimitsAreRefused() {
    let changes: [(String, (inout HTTPLimits) -> Void)] = [
      ("connectionsMax", { $0.connectionsMax = 0 }),
      ("connectionsPerAddressMax", { $0.connectionsPerAddressMax = 10_001 }),
      ("headBytesMax", { $0.headBytesMax = 100 }), ("targetBytesMax", { $0.targetBytesMax = 8_192 }),
      ("bodyBytesMax", { $0.bodyBytesMax = -1 }), ("requestMilliseconds", { $0.requestMilliseconds = 0 }),
    ]
    for (name, change) in changes {
      var limits = HTTPLimits()
      change(&limits)
      let failure = #expect(throws: HTTPServerFailure.self) { try limits.check() }
      #expect(failure?.code == .badLimits)
      #expect(failure?.message.contains(name) == true)
    }
    #expect(throws: Never.self) { try HTTPLimits().check() }
  }
}
