import HTTPServer
import Model
import Problems

/// Reads the request headers that mean something to the API.
enum RequestHeaders {
  /// The `Idempotency-Key` of a request, bare or as the quoted string of the IETF draft; nil without one.
  ///
  /// Both spellings of a key are the same key.
  /// Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
  /// - Throws: `malformed_idempotency_key` if it is empty, too long, repeated, or has other characters.
  static func idempotencyKey(of request: borrowing HTTPRequest) throws(Problem) -> IdempotencyKey? {
    let count = request.headerCount("Idempotency-Key")
    guard count > 0 else { return nil }
    guard count == 1 else {
      throw Problem(.malformedIdempotencyKey, "Idempotency-Key must be given once.", ("header", "Idempotency-Key"))
    }
    guard let key = parse(idempotencyKey: request.header("Idempotency-Key") ?? "") else {
      throw Problem(
        .malformedIdempotencyKey,
        "Idempotency-Key must be 1 to \(IdempotencyKey.lengthMax) visible ASCII characters without quotes and "
          + "backslashes, bare or between double quotes.", ("header", "Idempotency-Key"))
    }
    return key
  }

  static func parse(idempotencyKey text: String) -> IdempotencyKey? {
    var utf8 = text.utf8[...]
    while let first = utf8.first, first == 0x20 || first == 0x09 { utf8.removeFirst() }
    while let last = utf8.last, last == 0x20 || last == 0x09 { utf8.removeLast() }
    if utf8.first == UInt8(ascii: "\"") {
      guard utf8.count >= 2, utf8.last == UInt8(ascii: "\"") else { return nil }
      utf8 = utf8.dropFirst().dropLast()
    }
    return IdempotencyKey(validating: String(utf8) ?? "")
  }

  /// The trace that a request belongs to, with its header as it was sent; nil without a valid one.
  static func trace(of request: borrowing HTTPRequest) -> (context: TraceContext, header: String)? {
    guard request.headerCount("traceparent") == 1, let header = request.header("traceparent"),
      let context = parse(traceparent: header)
    else { return nil }
    return (context, header)
  }

  /// `00-` trace id (32 lowercase hexadecimal digits) `-` span id (16) `-` flags (2). A later version may have more
  /// after another dash; version ff, a trace or span id of zeros, and anything else is invalid and thus ignored.
  /// Source: https://www.w3.org/TR/trace-context/#traceparent-header
  static func parse(traceparent text: String) -> TraceContext? {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count >= 55, bytes[2] == UInt8(ascii: "-"), bytes[35] == UInt8(ascii: "-"),
        bytes[52] == UInt8(ascii: "-"), let version = lowercaseHex(bytes[0..<2]), version != 0xFF,
        bytes.count == 55 || (version > 0 && bytes[55] == UInt8(ascii: "-")),
        let high = lowercaseHex(bytes[3..<19]), let low = lowercaseHex(bytes[19..<35]), high | low != 0,
        let span = lowercaseHex(bytes[36..<52]), span != 0, let flags = lowercaseHex(bytes[53..<55])
      else { return nil }
      return TraceContext(traceHigh: high, traceLow: low, span: span, flags: UInt8(truncatingIfNeeded: flags))
    }
  }

  /// At most 16 digits.
  private static func lowercaseHex(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64? {
    var value: UInt64 = 0
    for digit in digits {
      guard !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains(digit), let nibble = hexDigit(digit) else { return nil }
      value = value << 4 | UInt64(nibble)
    }
    return value
  }
}
