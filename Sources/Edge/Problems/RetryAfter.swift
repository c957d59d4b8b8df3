/// When to send a refused request again: what `Retry-After` says with each code. Other codes come without it: repeating
/// does not help, helps only after a change, or need not wait.
///
/// `docs/http.md` has the same table.
struct RetryAfter {
  let code: ProblemCode
  let seconds: Int
  /// Why this many seconds make sense for the code.
  let reason: String

  private init(_ code: ProblemCode, _ seconds: Int, _ reason: String) {
    self.code = code
    self.seconds = seconds
    self.reason = reason
  }

  static let all = [
    RetryAfter(.rateLimited, 1, "the key's rate allows another request by then; at a low rate the wait is longer"),
    RetryAfter(.checkoutUnderWay, 1, "a checkout ends within moments"),
    RetryAfter(.tooManyJoined, 1, "a checkout ends within moments"),
    RetryAfter(.tooManyWaiting, 1, "the checkouts that hold the item's units end within moments"),
    RetryAfter(.tooManyRequests, 1, "a connection that was idle for a second makes room"),
    RetryAfter(.overloaded, 1, "a queue gets shorter within moments, or a gateway finds a pod"),
    RetryAfter(.stopping, 2, "behind a gateway another pod serves; alone, a server has to restart"),
    RetryAfter(.starting, 5, "a replay takes seconds"),
    RetryAfter(
      .partitionUnserved, 5, "a partition without an owner gets one, brokers return, or an operator has to act"),
    RetryAfter(.timedOut, 5, "other pods take over from one that hangs within seconds"),
    RetryAfter(.logFailed, 30, "the server has to be restarted, or its brokers have to return"),
    RetryAfter(.partitionStopped, 60, "an operator has to act"),
  ]
}

extension ProblemCode {
  var retryAfter: RetryAfter? { RetryAfter.all.first { $0.code == self } }

  /// In how many seconds the same request may succeed, at least; nil where the answer does not say.
  package var retryAfterSeconds: Int? { retryAfter?.seconds }

  /// The header that says so; none where the answer does not.
  package var retryAfterHeader: [(name: StaticString, value: String)] {
    guard let seconds = retryAfterSeconds else { return [] }
    return [(name: "Retry-After", value: String(seconds))]
  }
}
