import Callers
import HTTPServer
import Problems

/// Who sends a request, whether they may, and whether they send too many.
extension RestAPI {
  /// Admits a request, and notes who sent it. Returns its caller; nil if callers need not identify themselves.
  /// - Throws: `unauthenticated`, `missing_scope` or `rate_limited`.
  func admit(
    _ request: borrowing HTTPRequest, needing scope: CallerScopes?, _ note: AccessNote?
  ) throws(Problem) -> Caller? {
    guard let callers, let scope else { return nil }
    let caller: Caller
    do throws(CallerGate.Refusal) {
      caller = try request.caller(of: callers)
    } catch {
      throw Problem(error)
    }
    note?.caller = caller.id.description
    guard caller.scopes.contains(scope) else {
      var problem = Problem(.missingScope, "The caller \(caller.id) lacks the scope \(scope).", ("scope", "\(scope)"))
      problem.challenge = scope.challenge
      throw problem
    }
    if case .refused(let wait) = caller.take(at: microseconds() &* 1_000), let rate = caller.rate {
      var problem = Problem(.rateLimited, "The caller \(caller.id) may send \(rate.perSecond) requests per second.")
      problem.throttle = Problem.Throttle(rate, waitNanoseconds: wait)
      throw problem
    }
    return caller
  }
}

extension Problem {
  fileprivate init(_ refusal: CallerGate.Refusal) {
    switch refusal {
    case .nothing:
      self.init(
        .unauthenticated, "An API key is needed: Authorization: Bearer ID.SECRET; or a token, where they are accepted.")
    case .malformed:
      self.init(
        .unauthenticated,
        "One API key is needed, as Authorization: Bearer ID.SECRET or as X-API-Key: ID.SECRET; or one token, as "
          + "Authorization: Bearer TOKEN, where they are accepted.")
    case .unknown: self.init(.unauthenticated, "The API key is not known here.")
    case .token(let reason): self.init(.unauthenticated, "The bearer token is not accepted: \(reason.text).")
    }
    challenge = refusal.challenge
  }
}

extension Problem.Throttle {
  init(_ rate: CallerRate, waitNanoseconds: Int64) {
    waitSeconds = max(1, (waitNanoseconds - 1) / 1_000_000_000 + 1)
    quota = rate.burst
    windowSeconds = max(1, (rate.burst + rate.perSecond - 1) / rate.perSecond)
  }

  /// Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
  var headers: [(name: StaticString, value: String)] {
    [
      (name: "Retry-After", value: String(waitSeconds)),
      (name: "RateLimit-Policy", value: "\"caller\";q=\(quota);w=\(windowSeconds)"),
      (name: "RateLimit", value: "\"caller\";r=0;t=\(waitSeconds)"),
    ]
  }
}
