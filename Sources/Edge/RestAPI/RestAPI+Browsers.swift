import Callers
import HTTPServer
import Problems

/// What web pages may read, and which of them get an answer at all (`BrowserRules`).
extension RestAPI {
  /// The site whose page sent the request, if its pages may.
  /// - Throws: `unknown_host`, `cross_site`.
  func site(of request: borrowing HTTPRequest) throws(Problem) -> String? {
    switch request.verdict(by: browsers) {
    case .good: return nil
    case .goodAcrossSites: return request.header("Origin")
    case .unknownHost:
      throw Problem(
        .unknownHost, "The Host is not one of this server's names; its setting hosts lists them.")
    case .crossSite:
      throw Problem(
        .crossSite, "Pages of other sites may not send requests; the setting cors-origins names those that may.")
    }
  }

  /// Whether a browser asks what a page of another site may send.
  func isPreflight(_ request: borrowing HTTPRequest) -> Bool {
    request.method == .options && request.headerCount("Access-Control-Request-Method") > 0
  }

  /// Lists the methods of `/`; gateways use it to check that the server is up.
  func options(_ origin: RequestOrigin) -> HTTPResponse {
    var answer = response(origin, status: 204, type: "", body: [], isReplayed: false)
    answer.headers.append((name: "Allow", value: origin.route.allow))
    return answer
  }

  /// Informs a browser what pages of the origin's site may send. It sends no API key with this request.
  func preflight(_ origin: RequestOrigin) -> HTTPResponse {
    var answer = response(origin, status: 204, type: "", body: [], isReplayed: false)
    answer.headers += [
      (name: "Access-Control-Allow-Methods", value: origin.route.allow),
      (
        name: "Access-Control-Allow-Headers",
        value: "Authorization, X-API-Key, Idempotency-Key, Content-Type, traceparent"
      ), (name: "Access-Control-Max-Age", value: "7200"),
    ]
    return answer
  }

  /// For every answer to a page of a named site.
  static func headers(forPagesOf site: String) -> [(name: StaticString, value: String)] {
    [
      (name: "Access-Control-Allow-Origin", value: site), (name: "Vary", value: "Origin"),
      (
        name: "Access-Control-Expose-Headers",
        value: "X-Request-Id, Idempotent-Replayed, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate, Allow"
      ),
    ]
  }
}
