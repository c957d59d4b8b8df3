import CMicroHTTPD

// Checks heads before libmicrohttpd changes them: see HeadRules. When it reports a request line, what arrived after
// that is still in its buffer as it was sent, and the buffer is clear after its last byte. The library does not report
// how much has arrived, so the first NUL is either the client's, or the place of its next byte. A control byte is
// written there: the next byte overwrites it, and a client's NUL has become something for which every head is refused.
extension HTTPServer {
  /// Looks for a NUL after a request line. Returns whether the head's end was found before one.
  func lookAtHead(behind target: UnsafeBufferPointer<UInt8>, _ client: ClientConnection) -> Bool {
    guard let base = target.baseAddress, let end = bufferEnd(around: base, client) else { return false }
    // Anything else in place of the version makes the request line a bad one.
    var place = base + target.count + 1
    for byte in Self.versionStart.utf8 {
      guard place < end, place.pointee == byte else { return false }
      place += 1
    }
    // Its digit, and two NULs in the place of its CR LF.
    place += 3
    var matched = 2
    while place < end {
      switch (place.pointee, matched) {
      case (0, _):
        UnsafeMutablePointer(mutating: place).pointee = 1
        return false
      case (0x0d, 0), (0x0d, 2), (0x0a, 1): matched += 1
      case (0x0a, 3): return true
      case (0x0d, _): matched = 1
      default: matched = 0
      }
      place += 1
    }
    return false
  }

  private static let versionStart = "HTTP/1."

  /// An end up to which memory around a target certainly belongs to the library's buffer of the connection; nil if
  /// there is none.
  ///
  /// Every request's buffer begins where the connection's memory does, but the library does not say where that is. A
  /// target is near that beginning if little had arrived before it, including empty lines.
  private func bufferEnd(
    around target: UnsafePointer<UInt8>, _ client: ClientConnection
  ) -> UnsafePointer<UInt8>? {
    let earlyBytesMax = limits.connectionBytes / 4
    if client.earlyTarget == nil {
      let received = kassa_socket_bytes_received(client.socket)
      guard received > client.bytesTaken, received - client.bytesTaken <= UInt64(earlyBytesMax) else { return nil }
      client.earlyTarget = target
    }
    return client.earlyTarget.map { $0 + (limits.connectionBytes - earlyBytesMax) }
  }
}
