import Telemetry

/// The body of a refusal, `application/problem+json` (RFC 9457): the same members on both ports.
package enum ProblemBody {
  package static let contentType: StaticString = "application/problem+json"

  /// - Parameters:
  ///   - status: the code's own, unless the server itself refuses with a rarer one.
  ///   - detail: one sentence about this occurrence.
  ///   - members: what else there is to say, after the members that every problem has.
  package static func bytes(
    _ code: ProblemCode, status: UInt16, detail: String, requestID: String,
    _ members: [(name: StaticString, value: String)] = []
  ) -> [UInt8] {
    var json = JSONWriter(reserving: 320)
    json.raw("{\"type\":\"")
    json.raw(ProblemCode.typePrefix)
    json.string(inQuotes: code.rawValue)
    json.raw("\",\"title\":")
    json.string(code.title)
    json.raw(",\"status\":")
    json.number(Int64(status))
    json.raw(",\"detail\":")
    json.string(detail)
    json.raw(",\"instance\":\"urn:kassa:request:")
    json.string(inQuotes: requestID)
    json.raw("\",\"code\":")
    json.string(code.rawValue)
    json.raw(",\"request_id\":")
    json.string(requestID)
    for member in members {
      json.raw(",")
      json.string(member.name)
      json.raw(":")
      json.string(member.value)
    }
    json.raw("}")
    return json.bytes
  }
}
