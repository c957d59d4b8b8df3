/// The ids of the requests of one lane: what `X-Request-Id`, `request_id` and the access log say.
///
/// Each is `RUN-LANE-NUMBER` in hexadecimal digits, the run with all of its 16. If the request became a command, it
/// is the id of the command in the log.
package struct RequestIDs: Sendable {
  private let prefix: [UInt8]

  /// - Parameter incarnation: chosen afresh at every start of the process.
  package init(incarnation: UInt64, lane: UInt16) {
    let run = String(incarnation, radix: 16)
    prefix = Array("\(String(repeating: "0", count: 16 - run.count))\(run)-\(String(lane, radix: 16))-".utf8)
  }

  /// The id of an exchange.
  package func id(ofExchange exchange: UInt64) -> String { id(exchange << 2 | 2) }

  /// The id of what the HTTP server refuses by itself: such a request is no exchange.
  package func id(ofRefusal refusal: UInt64) -> String { id(refusal << 2 | 3) }

  private func id(_ number: UInt64) -> String {
    let prefixCount = prefix.count
    let digits = max((UInt64.bitWidth - number.leadingZeroBitCount + 3) / 4, 1)
    return String(unsafeUninitializedCapacity: prefixCount + digits) { buffer in
      _ = buffer.update(fromContentsOf: prefix)
      var rest = number
      var place = prefixCount + digits
      while place > prefixCount {
        place -= 1
        let nibble = UInt8(truncatingIfNeeded: rest & 15)
        buffer[place] = nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
        rest >>= 4
      }
      return prefixCount + digits
    }
  }
}
