import Clocks
import Glibc
import Settings

/// Queries operator ports, for tools: many at once, on the caller's thread. Anything may answer; it is read within
/// bounds of time and size.
public struct OperatorClient: Sendable {
  /// For one answer, starting with the host's look-up; a name server may take longer.
  public var timeoutMilliseconds = 5_000
  /// Sent as a bearer token: an API key with the scope `operator:read`. One line of visible ASCII.
  public var apiKey: String?
  /// Simultaneous connections.
  public static let callsMax = 64
  /// A page with the maximum number of partitions is smaller.
  public static let answerBytesMax = 32 << 20

  public init() {}

  /// GETs a path from each of the addresses; the results are in the same order.
  public func get(_ path: String, from addresses: [Endpoint]) -> [Result<OperatorAnswer, OperatorFailure>] {
    var results: [Result<OperatorAnswer, OperatorFailure>] = []
    var rest = addresses[...]
    while !rest.isEmpty {
      results += together(path, rest.prefix(Self.callsMax))
      rest = rest.dropFirst(Self.callsMax)
    }
    return results
  }

  private func together(
    _ path: String, _ addresses: ArraySlice<Endpoint>
  ) -> [Result<OperatorAnswer, OperatorFailure>] {
    let deadline = MonotonicClock.milliseconds + Int64(timeoutMilliseconds)
    let calls = addresses.map { OperatorCall(path, at: $0, apiKey: apiKey) }
    while true {
      let open = calls.filter { $0.result == nil }
      let left = deadline - MonotonicClock.milliseconds
      if open.isEmpty || left <= 0 { break }
      var watched = open.map { $0.watched }
      // An interrupted wait finds nothing, and is retried.
      guard poll(&watched, nfds_t(watched.count), Int32(clamping: left)) > 0 else { continue }
      for (call, seen) in zip(open, watched) where seen.revents != 0 { call.go() }
    }
    return calls.map { call in
      call.result ?? .failure(OperatorFailure("no answer within \(timeoutMilliseconds) ms"))
    }
  }
}

/// An operator port's answer.
public struct OperatorAnswer: Hashable, Sendable {
  public let status: Int
  public let body: [UInt8]
}

/// Why there is no answer: a clause for a sentence that names the address.
public struct OperatorFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
