import Dispatch
import HTTPServer
import TestSupport
import Testing

@Suite struct ExchangeTests {
  private func get(_ path: String, _ headers: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n"
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    let paths = (0..<60).map { ["/now", "/later", "/a\($0)", "/later", "/echo?\($0)"][$0 % 5] }
    client.send(paths.map { get($0) }.joined())
    for path in paths {
      let answer = try #require(client.answer())
      switch path {
      case "/now": #expect(answer.body == "now")
      case "/later": #expect(answer.body == "later")
      case let path where path.hasPrefix("/echo"): #expect(answer.body.contains(" \(path.dropFirst(6)) "))
      default: #expect(answer.body == path)
      }
      #expect(!answer.closes)
    }
    #expect(eventually { server.state.isIdle })
    #expect(server.state.waitingRequests == 0)
  }

  @Test func handlerSeesTheRequestAsItWasSent() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    client.send(get("/echo?a=b%20c&d+e&=&f", "x-echo: \t one two \t\r\nX-Echo: three\r\n"))
    var answer = client.answer()
    #expect(answer?.body == "get /echo a=b%20c&d+e&=&f 0 2 one two")
    #expect(answer?.head.contains("Content-Type: text/plain") == true)
    #expect(answer?.head.contains("X-Kassa: a") == true)
    #expect(answer?.head.contains("X-Bad") == false)
    client.send("POST /echo? HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
    answer = client.answer()
    #expect(answer?.body == "post /echo  5 0 -")
    client.send("PATCH /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
    #expect(client.answer()?.body == "patch /echo  5 0 -")
    #expect(client.receiveUntilClosed())
  }

  @Test func answersSayHowLongTheirConnectionIsKept() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    for path in ["/now", "/later"] {
      client.send(get(path))
      #expect(client.answer()?.head.contains("\r\nKeep-Alive: timeout=75") == true)
    }
    client.send(get("/now", "Connection: close\r\n"))
    #expect(client.answer()?.head.contains("Keep-Alive") == false)
  }

  /// An attacker's body must not become the next client's request.
  @Test func nothingIsReadBehindARefusedRequest() throws {
    let server = try TestServer()
    defer { server.end() }
    let smuggled = get("/smuggled")
    for head in [
      "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /now HTTP/1.1\nHost: a\r\nContent-Length: 0\r\n\r\n",
    ] {
      let client = try #require(RawClient(port: server.port))
      client.send(head + smuggled)
      #expect(client.answer() != nil)
      #expect(client.receiveUntilClosed())
      #expect(client.received.isEmpty)
    }
  }

  @Test func continueIsSentOnlyForBodiesThatAreWanted() throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    #expect(client.answer()?.status == 100)
    client.send("hello")
    #expect(client.answer()?.body == "post /echo  5 0 -")
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\nExpect: 100-continue\r\n\r\n")
    #expect(client.answer()?.status == 413)
    #expect(client.receiveUntilClosed())
  }

  /// The library reports the next request's bytes as a piece of a body that has none.
  @Test(arguments: ["GET /now", "GET /later", "POST /now", "POST /later"])
  func continueWithoutABodyTakesNothingFromTheNext(
    line: String
  ) throws {
    let server = try TestServer()
    defer { server.end() }
    let client = try #require(RawClient(port: server.port))
    let length = line.hasPrefix("POST") ? "Content-Length: 0\r\n" : ""
    let expecting = "\(line) HTTP/1.1\r\nHost: a\r\n\(length)Expect: 100-continue\r\n\r\n"
    client.send(expecting + expecting + get("/now"))
    for _ in 0..<2 {
      #expect(client.answer()?.status == 100)
      #expect(client.answer()?.status == 200)
    }
    #expect(client.answer()?.status == 200)
  }

  @Test func clientThatLeavesWhileItWaitsIsAbandonedOnce() throws {
    let server = try TestServer()
    defer { server.end() }
    let clients = (0..<3).compactMap { _ in RawClient(port: server.port) }
    for client in clients { client.send(get("/never")) }
    #expect(eventually { server.state.waitingRequests == 3 })
    clients[0].close()
    clients[1].close()
    #expect(eventually { server.state.abandoned == 2 })
    #expect(eventually { server.state.openConnections == 1 })
    #expect(server.state.waitingRequests == 1)
  }

  @Test func closeRefusesWhatStillWaits() throws {
    let server = try TestServer()
    let client = try #require(RawClient(port: server.port))
    client.send(get("/never"))
    #expect(eventually { server.state.waitingRequests == 1 })
    server.end()
    let answer = try #require(client.answer())
    #expect(answer.status == 503 && answer.closes)
    #expect(client.receiveUntilClosed())
    #expect(server.ledger.openConnections == 0)
  }

  /// The library ends the process when it is stopped with a suspended connection.
  @Test func closeRefusesWhatArrivesMeanwhile() throws {
    let server = try TestServer()
    let client = try #require(RawClient(port: server.port))
    #expect(eventually { server.state.openConnections == 1 })
    let hasSent = DispatchSemaphore(value: 0)
    server.onLane { server in
      hasSent.wait()
      server.close()
    }
    #expect(client.send(get("/never")))
    hasSent.signal()
    server.end()
    #expect(client.answer()?.status == 503)
  }

  @Test func stoppedServerFinishesWhatItHas() throws {
    let server = try TestServer()
    defer { server.end() }
    let idle = try #require(RawClient(port: server.port))
    idle.send(get("/now"))
    #expect(idle.answer()?.body == "now")
    let busy = try #require(RawClient(port: server.port))
    busy.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
    #expect(eventually { !server.state.isIdle })
    server.onLane { $0.stopAccepting() }
    #expect(idle.receiveUntilClosed())
    #expect(eventually { RawClient(port: server.port) == nil })
    busy.send("lo")
    let answer = try #require(busy.answer())
    #expect(answer.body == "post /echo  5 0 -" && answer.closes)
    #expect(busy.receiveUntilClosed())
    #expect(eventually { server.state.openConnections == 0 && server.state.isIdle })
  }

  @Test func answerToAnUnknownExchangeIsIgnored() throws {
    let server = try TestServer()
    defer { server.end() }
    server.onLane { server in
      for number: UInt64 in [0, 1, .max] { server.answer(ExchangeID(number: number), HTTPResponse(status: 200)) }
    }
    let client = try #require(RawClient(port: server.port))
    client.send(get("/now"))
    #expect(client.answer()?.body == "now")
  }
}
