import Glibc

/// The head of an answer, and where its body is.
struct Answer: Equatable {
  var status: UInt16
  var body: Range<Int>
  /// The server closes the connection after this answer.
  var closes: Bool
  /// `Idempotent-Replayed: true`.
  var isReplayed: Bool
}

/// What the bytes received so far mean.
enum AnswerParse: Equatable {
  case incomplete
  case answer(Answer)
  case malformed
}

/// Reads HTTP/1.1 answers with a `Content-Length`, the only ones Kassa gives. Chunks, answers delimited by the
/// connection's end and interim answers count as malformed: the judge must not guess.
enum AnswerParser {
  static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> AnswerParse {
    guard let base = bytes.baseAddress, bytes.count >= 12 else { return .incomplete }
    guard memcmp(base, "HTTP/1.", 7) == 0, base[8] == UInt8(ascii: " ") else { return .malformed }
    var status: UInt16 = 0
    for place in 9..<12 {
      guard let digit = decimal(base[place]) else { return .malformed }
      status = status * 10 + UInt16(digit)
    }
    guard status >= 200, status <= 599 else { return .malformed }
    var answer = Answer(status: status, body: 0..<0, closes: base[7] == UInt8(ascii: "0"), isReplayed: false)
    var length: Int?
    var lineStart = 0
    while true {
      guard let feed = memchr(base + lineStart, 0x0A, bytes.count - lineStart) else {
        return bytes.count > LoadLimits.headBytesMax ? .malformed : .incomplete
      }
      let lineFeed = UnsafeRawPointer(feed) - UnsafeRawPointer(base)
      guard lineFeed > 0, base[lineFeed - 1] == 0x0D, lineFeed < LoadLimits.headBytesMax else { return .malformed }
      let line = UnsafeBufferPointer(rebasing: bytes[lineStart..<(lineFeed - 1)])
      if line.isEmpty {
        lineStart = lineFeed + 1
        break
      }
      if lineStart > 0, !take(line, into: &answer, length: &length) { return .malformed }
      lineStart = lineFeed + 1
    }
    let bodyCount = length ?? (status == 204 || status == 304 ? 0 : nil)
    guard let bodyCount, bodyCount <= LoadLimits.answerBytesMax else { return .malformed }
    guard bytes.count - lineStart >= bodyCount else { return .incomplete }
    answer.body = lineStart..<(lineStart + bodyCount)
    return .answer(answer)
  }

  /// Takes one header; false if it makes the answer malformed.
  private static func take(
    _ line: UnsafeBufferPointer<UInt8>, into answer: inout Answer, length: inout Int?
  ) -> Bool {
    if let value = value(of: "content-length", in: line) {
      guard length == nil, !value.isEmpty, value.count <= 10 else { return false }
      var number = 0
      for byte in value {
        guard let digit = decimal(byte) else { return false }
        number = number * 10 + digit
      }
      length = number
    } else if value(of: "transfer-encoding", in: line) != nil {
      return false
    } else if let value = value(of: "connection", in: line) {
      if isEqual(value, "close") { answer.closes = true }
    } else if let value = value(of: "idempotent-replayed", in: line) {
      answer.isReplayed = isEqual(value, "true")
    }
    return true
  }

  /// The value of the header `name` (lower case), if that is this line.
  private static func value(
    of name: StaticString, in line: UnsafeBufferPointer<UInt8>
  ) -> UnsafeBufferPointer<UInt8>? {
    let count = name.utf8CodeUnitCount
    guard line.count > count, line[count] == UInt8(ascii: ":"),
      isEqual(UnsafeBufferPointer(rebasing: line[..<count]), name)
    else { return nil }
    var start = count + 1
    var end = line.count
    while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
    while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
    return UnsafeBufferPointer(rebasing: line[start..<end])
  }

  /// Whether `bytes` equal `text` (lower case), ignoring case.
  private static func isEqual(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for place in 0..<bytes.count {
      var byte = bytes[place]
      if byte >= 0x41, byte <= 0x5A { byte |= 0x20 }
      if byte != text.utf8Start[place] { return false }
    }
    return true
  }

  private static func decimal(_ byte: UInt8) -> Int? {
    byte >= 0x30 && byte <= 0x39 ? Int(byte &- 0x30) : nil
  }
}
