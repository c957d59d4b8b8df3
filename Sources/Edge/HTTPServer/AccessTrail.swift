import Telemetry

/// What is remembered of a request until its line of the access log is written. Lane-confined.
package final class AccessNote {
  fileprivate let method: StaticString
  fileprivate let path: String
  fileprivate let clientRequestID: String?
  fileprivate let startedMicroseconds: Int64
  /// The id of the caller, once it is known.
  package var caller: String?

  fileprivate init(_ request: borrowing HTTPRequest, at microseconds: Int64) {
    method = request.method.name
    path = String(decoding: request.path, as: UTF8.self)
    clientRequestID = request.header("X-Request-Id")
    startedMicroseconds = microseconds
  }
}

/// Writes the access log of one port. Without one, nothing is remembered of any request.
package struct AccessTrail {
  private let log: AccessLog
  private let isOperators: Bool
  private let microseconds: () -> Int64

  /// - Parameter microseconds: a monotonic clock.
  package init(_ log: AccessLog, isOperators: Bool = false, microseconds: @escaping () -> Int64) {
    self.log = log
    self.isOperators = isOperators
    self.microseconds = microseconds
  }

  package func note(of request: borrowing HTTPRequest) -> AccessNote { AccessNote(request, at: microseconds()) }

  /// A request got its answer.
  /// - Parameter note: nil of one whose head could not be read.
  package func answered(_ note: AccessNote?, _ requestID: String, _ response: HTTPResponse) {
    guard log.wants(status: response.status) else { return }
    var entry = entry(note, requestID)
    entry.status = response.status
    entry.code = response.problemCode
    entry.bytes = note?.method.description == HTTPMethod.head.name.description ? 0 : response.body.count
    entry.isReplayed = response.headers.contains { $0.name.description == "Idempotent-Replayed" }
    log.add(entry)
  }

  /// A request's client left before it was answered.
  package func abandoned(_ note: AccessNote?, _ requestID: String) { log.add(entry(note, requestID)) }

  private func entry(_ note: AccessNote?, _ requestID: String) -> AccessEntry {
    var entry = AccessEntry(requestID: requestID)
    entry.isOperators = isOperators
    guard let note else { return entry }
    entry.clientRequestID = note.clientRequestID
    entry.method = note.method
    entry.path = note.path
    entry.caller = note.caller
    entry.microseconds = microseconds() - note.startedMicroseconds
    return entry
  }
}
