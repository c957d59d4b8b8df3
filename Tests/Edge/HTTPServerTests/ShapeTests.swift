import HTTPServer
import TestSupport
import Testing

/// One request shape a line: the bytes, the status that answers them (0: none at all), and whether the connection is
/// closed behind it. `␀` stands for NUL.
@Suite(.serialized) struct ShapeTests {
  static let good: [(String, Int, closes: Bool)] = [
    ("GET /now HTTP/1.1\r\nHost: a\r\n\r\n", 200, false),
    ("GET /now HTTP/1.1\r\nHost:a\r\n\r\n", 200, false),
    ("GET /now HTTP/1.1\r\nHost: \t a\r\nAccept:\r\nX: \r\n\r\n", 200, false),
    ("GET /now HTTP/1.1\r\nhost: [::1]:8000\r\nX: a,b; c=\"d\"\r\n\r\n", 200, false),
    ("\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\n", 200, false),
    ("GET /now?a=b&c=d+e%20f HTTP/1.1\r\nHost: a\r\n\r\n", 200, false),
    ("GET /n%6fw HTTP/1.1\r\nHost: a\r\n\r\n", 404, false),
    ("GET /now HTTP/1.0\r\n\r\n", 200, true),
    ("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false),
    ("GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, true),
    ("HEAD /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, false),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200, false),
    ("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc", 200, false),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n", 200, true),
    ("BREW /now HTTP/1.1\r\nHost: a\r\n\r\n", 200, false),
    ("GET http://a/now HTTP/1.1\r\nHost: a\r\n\r\n", 200, false),
    ("GET HTTPS://A:80/now?x=/y HTTP/1.1\r\nHost: a:80\r\n\r\n", 200, false),
    ("GET http://a/now HTTP/1.0\r\n\r\n", 200, true),
    ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 404, false),
    ("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 404, false),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404, false),
    ("OPTIONS / HTTP/1.0\r\n\r\n", 404, true),
  ]

  static let lengths: [(String, Int, closes: Bool)] = [
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n", 413, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\nExpect: 100-continue\r\n\r\n", 413, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\u{b}chunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417, true),
  ]

  /// libmicrohttpd refuses these before the server sees them, and would send its head twice.
  static let lengthsOfTheLibrary: [(String, Int, closes: Bool)] = [
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 3a\r\n\r\nabc", 400, true),
    ("POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nCookie: " + String(repeating: "a=b;", count: 1_500) + "\r\n\r\n", 431, true),
  ]

  static let framing: [(String, Int, closes: Bool)] = [
    ("GET /now HTTP/1.1\nHost: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: y\nZ: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\n\n", 400, true),
    ("GET /now HTTP/1.1\nHost: a\n\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\r\n\r\n", 400, true),
    ("GET /now\r HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\n Host: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost : a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX\t: y\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nXy\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX(: y\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: a␀b\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: ab␀\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX␀: ab\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: a\u{1}b\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n", 400, true),
  ]

  /// Where libmicrohttpd reads two headers, another reader has one, and what follows for a request.
  static let hidden: [(String, Int, closes: Bool)] = [
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: y␀\nContent-Length: 30\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nX: ␀\nHost: a\r\nContent-Length: 30\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a␀\nContent-Length: 30\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX␀\nContent-Length: 30\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nContent-Length: 30␀\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: y␀\nTransfer-Encoding: chunked\r\n\r\n", 400, true),
    ("GET /now?a HTTP/1.1\r\nHost: a\r\nX: y␀\nZ: z\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nX: y\r\n␀\n", 400, true),
  ]

  static let lines: [(String, Int, closes: Bool)] = [
    ("GET /no␀w HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now␀ HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /n\u{1}w HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /n\u{e9}w HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now#x HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /no w HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET  /now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now  HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET\t/now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    (" GET /now HTTP/1.1\r\nHost: a\r\n\r\n", 0, true),
    ("G@T /now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET http://a/now HTTP/1.1\r\nHost: b\r\n\r\n", 400, true),
    ("GET http://a:80/now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET http://x@a/now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET http:///now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET ftp://a/now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET now HTTP/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: \r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a b\r\n\r\n", 400, true),
    ("GET /now HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, true),
    ("GET /now\r\n", 400, true),
    ("GET /now HTTP/1.1 \r\nHost: a\r\n\r\n", 400, true),
    ("GET /now http/1.1\r\nHost: a\r\n\r\n", 400, true),
    ("GET /now HTTP/1.2\r\nHost: a\r\n\r\n", 505, true),
    ("GET /now HTTP/2.0\r\nHost: a\r\n\r\n", 505, true),
    ("GET /now HTTP/0.9\r\nHost: a\r\n\r\n", 505, true),
    ("GET /now HTTP/11\r\nHost: a\r\n\r\n", 400, true),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true),
    ("\u{16}\u{3}\u{1}\u{2}␀\u{1}\r\n\r\n", 0, true),
  ]

  private static func bytes(_ shape: String) -> [UInt8] {
    shape.unicodeScalars.flatMap { $0 == "␀" ? [0] : Array(String($0).utf8) }
  }

  /// Sent at once; byte by byte; and behind a good request in the same segment.
  enum Manner: CaseIterable { case whole, bytewise, pipelined }

  @Test(arguments: Manner.allCases) func shapesAreAnsweredAsTheyShould(_ manner: Manner) throws {
    let server = try TestServer()
    defer { server.end() }
    let plain = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
    let together = manner == .bytewise ? [] : Self.hidden
    let shapes = Self.good + Self.lengths + Self.framing + Self.lines + Self.lengthsOfTheLibrary + together
    for (shape, status, closes) in shapes {
      let client = try #require(RawClient(port: server.port))
      switch manner {
      case .whole: client.send(Self.bytes(shape))
      case .bytewise:
        for byte in Self.bytes(shape) { client.send([byte]) }
      case .pipelined:
        client.send(Array(plain.utf8) + Self.bytes(shape))
        #expect(client.answer()?.body == "now", "before \(shape.debugDescription)")
      }
      if shape.hasPrefix("HEAD") {
        #expect(client.receiveUntilClosed())
        #expect(String(decoding: client.received, as: UTF8.self).hasPrefix("HTTP/1.1 404"))
        continue
      }
      let answer = status == 0 ? nil : client.answer()
      #expect((answer?.status ?? 0) == status, "\(shape.debugDescription)")
      if closes {
        if answer != nil { #expect(answer?.closes == true, "\(shape.debugDescription)") }
        #expect(client.receiveUntilClosed(), "\(shape.debugDescription)")
        #expect(client.received.isEmpty, "\(shape.debugDescription)")
      } else if manner != .bytewise || !shape.hasPrefix("POST") {
        // Behind a body whose head came in pieces the connection may be closed.
        client.send(plain)
        #expect(client.answer()?.body == "now", "behind \(shape.debugDescription)")
      }
    }
    let state = server.state
    #expect(state.waitingRequests == 0)
  }

  /// Of a head that comes in pieces, only the first one can be looked at: nothing is read behind such a request's body.
  @Test func whatIsHiddenInALaterPieceSwallowsNothing() throws {
    let server = try TestServer()
    defer { server.end() }
    for (first, second) in [
      ("GET /now HTTP/1.1\r\nHost: a\r\n", "X: y␀\nContent-Length: 30\r\n\r\n"),
      ("GET /now HTTP/1.1\r\nHost: a\r\nX: y", "␀\nContent-Length: 30\r\n\r\n"),
    ] {
      let client = try #require(RawClient(port: server.port))
      client.send(Self.bytes(first))
      #expect(eventually { !server.state.isIdle })
      client.send(Self.bytes(second) + Array("GET /now HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      #expect(client.answer() != nil)
      #expect(client.receiveUntilClosed())
      #expect(client.received.isEmpty)
    }
  }
}
