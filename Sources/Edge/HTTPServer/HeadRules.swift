// Why heads are checked again, and how.
//
// If two programs read the same bytes as different requests, a client can smuggle one past the first of them. So
// whatever a strict reader of RFC 9112 could read in two ways is refused, and the connection closed. libmicrohttpd
// 0.9.75 is lenient: it takes a bare line feed for a line's end, unfolds folded headers, skips blanks before a colon,
// several blanks in the request line and empty lines, ends strings at NUL, takes the first of two lengths, ignores
// lengths beside a transfer coding, and reads an unknown coding until the client closes.
//
// But it parses in place: a head is in one buffer, and parsing replaces the byte after each part with NUL (two if a
// line ended with CR LF), provides pointers to the parts, and reports how long the whole head was. So a head was sent
// in the one strict form exactly if the parts follow each other without a gap:
//
//     GET␀/path␀HTTP/1.1␀␀Host␀ example␀␀Accept␀*/*␀␀␀␀        ␀␀ stood for CR LF, a single ␀ for a blank or colon
//     └─method  └─version └─name └─value                └─ head's end
//
// A bare line feed leaves one NUL where two are expected; a folded header is stored elsewhere; a NUL from the client
// ends a part early; extra blanks shift the next part. The check fails closed: with a library that parses differently
// every request is refused, which the tests notice.
//
// This does not detect empty lines before a request line (allowed by RFC 9112 §2.2), and a line that ends with NUL LF
// instead of CR LF, which looks the same afterwards. A reader that does not take a bare LF as a line's end reads
// `X: a␀␊Content-Length: 30` as one header, and the next 30 bytes as the next request. So heads are checked before the
// library parses them (`lookAtHead`), when the request line has arrived. If a head arrives in pieces, only the first
// can be checked: such a request is answered, and if it has a body the connection is closed after it. Chunks are not
// covered at all: `HTTPServer` closes the connection after every chunked request, so nothing can be smuggled in after
// one.

/// The parts of a head, as libmicrohttpd provides them.
struct HeadParts {
  let method: UnsafeBufferPointer<UInt8>
  /// Path and query as sent.
  let target: UnsafeBufferPointer<UInt8>
  let version: UnsafeBufferPointer<UInt8>
  /// From the method's first byte to the end of the empty line.
  let headBytes: Int
}

/// Why the server itself refuses a request.
struct HeadRefusal: Equatable {
  let status: UInt16
  let detail: StaticString

  static func == (one: HeadRefusal, other: HeadRefusal) -> Bool { one.status == other.status }

  static func bad(_ detail: StaticString) -> HeadRefusal { HeadRefusal(status: 400, detail: detail) }
}

/// What the head says about the body.
struct BodyFraming {
  var isChunked = false
  var length: UInt64 = 0
  var expectsContinue = false
  /// The client closes the connection after the answer.
  var isLast = false
}

enum HeadRules {
  /// The first rule that a head breaks; nil for a good one, whose framing is then in `framing`.
  static func refusal(
    of parts: HeadParts, _ head: RequestHead, limits: HTTPLimits, framing: inout BodyFraming
  ) -> HeadRefusal? {
    if parts.headBytes > limits.headBytesMax || head.isOverfull {
      return HeadRefusal(status: 431, detail: "The request's head is larger than the server accepts.")
    }
    if parts.target.count > limits.targetBytesMax {
      return HeadRefusal(status: 414, detail: "The request's target is longer than the server accepts.")
    }
    guard parts.method.allSatisfy(ASCII.isToken) else { return .bad("The method is not a token.") }
    guard let is11 = isHTTP11(parts.version) else {
      return HeadRefusal(status: 505, detail: "This server speaks only HTTP/1.1 and HTTP/1.0.")
    }
    guard isGapless(parts, head) else { return .bad("The request's head is not framed strictly.") }
    for index in 0..<head.count {
      guard !head[index].name.isEmpty, head[index].name.allSatisfy(ASCII.isToken) else {
        return .bad("A header's name is not a token.")
      }
      guard head[index].value.allSatisfy(ASCII.isValue) else {
        return .bad("A header's value contains a control byte.")
      }
    }
    return refusal(ofFields: head, is11, limits, &framing)
  }

  /// The rule broken by a complete head that libmicrohttpd cannot use; if there is none, the head was too large for it.
  static func refusalOfUnusable(_ head: RequestHead, limits: HTTPLimits) -> HeadRefusal {
    var framing = BodyFraming()
    return refusal(ofFields: head, true, limits, &framing)
      ?? HeadRefusal(status: 431, detail: "The request's head is larger than the server accepts.")
  }

  /// libmicrohttpd's refusal with a status before the rest of a request has arrived.
  static func refusal(ofLibrary status: UInt16) -> HeadRefusal {
    switch status {
    case 413: HeadRefusal(status: status, detail: "The request's body is larger than the server accepts.")
    case 414: HeadRefusal(status: status, detail: "The request's target is longer than the server accepts.")
    case 431: HeadRefusal(status: status, detail: "The request's head is larger than the server accepts.")
    case 505: HeadRefusal(status: status, detail: "This server does not speak the request's version of HTTP.")
    default: HeadRefusal(status: status, detail: "The request line, a header or a chunk is malformed.")
    }
  }

  /// 1.1 or 1.0; nil for anything else.
  private static func isHTTP11(_ version: UnsafeBufferPointer<UInt8>) -> Bool? {
    let prefix: StaticString = "HTTP/1."
    let expected = UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
    guard version.count == 8, version.starts(with: expected) else { return nil }
    return version[7] == 0x31 ? true : version[7] == 0x30 ? false : nil
  }

  /// Whether the parts are in the buffer as a strictly written head leaves them.
  private static func isGapless(_ parts: HeadParts, _ head: RequestHead) -> Bool {
    guard let method = parts.method.baseAddress, let target = parts.target.baseAddress,
      let version = parts.version.baseAddress,
      target == method + parts.method.count + 1, version == target + parts.target.count + 1
    else { return false }
    var lineEnd = version + parts.version.count
    for index in 0..<head.count {
      guard let name = head[index].name.baseAddress, let value = head[index].value.baseAddress,
        name == lineEnd + 2, value > name + head[index].name.count
      else { return false }
      lineEnd = value + head[index].value.count
    }
    return lineEnd + 4 == method + parts.headBytes
  }

  /// The rules for single headers: which may occur only once, and what they may contain.
  private static func refusal(
    ofFields head: RequestHead, _ is11: Bool, _ limits: HTTPLimits, _ framing: inout BodyFraming
  ) -> HeadRefusal? {
    framing.isLast = !is11
    var hosts = 0
    var lengths = 0
    for index in 0..<head.count {
      let field = head[index]
      switch field.name.count {
      case 4 where field.isNamed("Host"):
        hosts += 1
        guard hosts == 1, !field.value.isEmpty, field.value.allSatisfy(ASCII.isHost) else {
          return .bad("Exactly one host is expected.")
        }
      case 6 where field.isNamed("Expect"):
        guard HeaderField(name: field.value, value: field.value).isNamed("100-continue") else {
          return HeadRefusal(status: 417, detail: "Only 100-continue can be expected.")
        }
        framing.expectsContinue = is11
      case 10 where field.isNamed("Connection"):
        if HeaderField(name: field.value, value: field.value).isNamed("close") { framing.isLast = true }
      case 14 where field.isNamed("Content-Length"):
        lengths += 1
        guard lengths == 1, let length = length(field.value) else {
          return .bad("Exactly one length of the body is expected, in decimal digits.")
        }
        framing.length = length
      case 17 where field.isNamed("Transfer-Encoding"):
        guard is11, !framing.isChunked, HeaderField(name: field.value, value: field.value).isNamed("chunked") else {
          return .bad("The only transfer coding is chunked, once, in HTTP/1.1.")
        }
        framing.isChunked = true
      default: break
      }
    }
    if is11, hosts == 0 { return .bad("HTTP/1.1 requests name their host.") }
    if lengths > 0, framing.isChunked { return .bad("A body has a length or chunks, not both.") }
    if framing.length > UInt64(limits.bodyBytesMax) {
      return HeadRefusal(status: 413, detail: "The request's body is larger than the server accepts.")
    }
    return nil
  }

  /// nil for anything but digits; an overflow counts as larger than any bound.
  private static func length(_ digits: UnsafeBufferPointer<UInt8>) -> UInt64? {
    guard !digits.isEmpty, digits.allSatisfy(ASCII.isDigit) else { return nil }
    return UInt64(String(decoding: digits, as: UTF8.self)) ?? .max
  }
}
