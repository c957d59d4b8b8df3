import Synchronization

/// What the access log says of one request.
public struct AccessEntry: Sendable {
  /// Kassa's own id of the request, as its answer has it.
  public var requestID: String
  /// What the client or a gateway called the request: its `X-Request-Id`.
  public var clientRequestID: String?
  /// nil of a request whose head could not be read.
  public var method: StaticString?
  /// As sent, without the query.
  public var path: String?
  /// nil: the client left before it was answered.
  public var status: UInt16?
  /// The problem's code, if it was refused.
  public var code: String?
  /// From the request's arrival to its answer; nil if nothing measured it.
  public var microseconds: Int64?
  /// The id of the caller's key, if it sent one.
  public var caller: String?
  /// Of the answer's body.
  public var bytes = 0
  /// The answer is the outcome of an earlier request with the same idempotency key.
  public var isReplayed = false
  /// Whether it came to the operator's port instead of the API's.
  public var isOperators = false

  public init(requestID: String) { self.requestID = requestID }
}

/// A line for each answered request, in the format of the log; written whatever the log's level is. From any lane.
///
/// Nobody who serves waits for whoever reads the log: lines wait here until a thread takes and writes them. What finds
/// no room is dropped and counted.
public final class AccessLog: Sendable {
  public enum Scope: Sendable {
    /// Refusals and failures (status 400 and above), and requests whose clients left before they were answered.
    case errors
    case all
  }

  /// Bytes of lines that may wait; about 5,000 lines. As many may be with the writer.
  public static let waitingBytesMax = 1 << 20
  /// Of a path, and of a client's id, in bytes; the rest is left out.
  public static let pathBytesMax = 1_024
  public static let clientRequestIDBytesMax = 128

  public let scope: Scope
  private let format: LogFormat
  private let clock: @Sendable () -> Int64
  private let wake: @Sendable () -> Void
  private let state = Mutex(State())

  private struct State {
    var waiting: [UInt8] = []
    var lines: UInt64 = 0
    var dropped: UInt64 = 0
  }

  /// - Parameters:
  ///   - clock: milliseconds since 1970-01-01 UTC.
  ///   - wake: called on any lane when lines wait again; must not block.
  public init(
    scope: Scope, format: LogFormat, clock: @escaping @Sendable () -> Int64, wake: @escaping @Sendable () -> Void
  ) {
    self.scope = scope
    self.format = format
    self.clock = clock
    self.wake = wake
  }

  /// Whether a request that ended like this gets a line.
  public func wants(status: UInt16?) -> Bool { scope == .all || (status ?? 400) >= 400 }

  /// Queues the line of a request, if it gets one.
  public func add(_ entry: AccessEntry) {
    guard wants(status: entry.status) else { return }
    let line = LogLine(
      milliseconds: clock(), level: .info, message: entry.status == nil ? "request abandoned" : "request answered",
      fields: Self.fields(of: entry)
    ).bytes(format)
    let isToWake = state.withLock { state in
      guard state.waiting.count + line.count <= Self.waitingBytesMax else {
        state.dropped += 1
        return false
      }
      state.lines += 1
      state.waiting += line
      return state.waiting.count == line.count
    }
    if isToWake { wake() }
  }

  /// Takes all lines that wait; empty if there are none.
  public func take() -> [UInt8] {
    state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
  }

  /// Counts lines that were taken and could not be written.
  public func lost(_ lines: UInt64) {
    state.withLock { state in
      state.lines -= min(lines, state.lines)
      state.dropped += lines
    }
  }

  /// How many lines were queued or written, and how many were dropped.
  public var figures: (lines: UInt64, dropped: UInt64) { state.withLock { ($0.lines, $0.dropped) } }

  private static func fields(of entry: AccessEntry) -> [(key: StaticString, value: LogValue)] {
    var fields: [(key: StaticString, value: LogValue)] = [(key: "request_id", value: .text(entry.requestID))]
    if let id = entry.clientRequestID {
      fields.append((key: "client_request_id", value: .text(cut(id, clientRequestIDBytesMax))))
    }
    if entry.isOperators { fields.append((key: "port", value: "operator")) }
    if let method = entry.method { fields.append((key: "method", value: .text(method.description))) }
    if let path = entry.path { fields.append((key: "path", value: .text(cut(path, pathBytesMax)))) }
    if let status = entry.status { fields.append((key: "status", value: LogValue(status))) }
    if let code = entry.code { fields.append((key: "code", value: .text(code))) }
    if let microseconds = entry.microseconds {
      fields.append((key: "milliseconds", value: .thousandths(microseconds)))
    }
    if let caller = entry.caller { fields.append((key: "caller", value: .text(caller))) }
    if entry.status != nil { fields.append((key: "bytes", value: LogValue(entry.bytes))) }
    if entry.isReplayed { fields.append((key: "replayed", value: "yes")) }
    return fields
  }

  /// What is cut off shows as an ellipsis.
  private static func cut(_ text: String, _ bytesMax: Int) -> String {
    guard text.utf8.count > bytesMax else { return text }
    return String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self) + "…"
  }
}
