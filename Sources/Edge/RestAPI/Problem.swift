import Problems

/// A refusal on its way to becoming an `application/problem+json` body (RFC 9457).
struct Problem: Error, Hashable {
  let code: ProblemCode
  /// The status; differs from the code's own only if the server itself refuses with a rarer one.
  var status: UInt16
  /// One sentence about this occurrence.
  var detail: String
  /// What it is about: (`item_id`, "42"), (`parameter`, "price") …
  var subjects: [Subject] = []
  /// A path that shows what became of the request.
  var findOut: String?
  /// What `Allow` says.
  var allow: String?
  /// What `WWW-Authenticate` says.
  var challenge: String?
  /// The state of the caller's bucket.
  var throttle: Throttle?

  /// The bucket of a caller that sends too many requests.
  struct Throttle: Hashable {
    /// Until a request is admitted again.
    let waitSeconds: Int64
    /// How many requests may arrive within how many seconds.
    let quota: Int
    let windowSeconds: Int
  }

  struct Subject: Hashable {
    let name: StaticString
    let value: String

    static func == (a: Subject, b: Subject) -> Bool { a.name.description == b.name.description && a.value == b.value }
    func hash(into hasher: inout Hasher) { hasher.combine(value) }
  }

  init(_ code: ProblemCode, _ detail: String, _ subjects: (StaticString, String)...) {
    self.code = code
    status = code.status
    self.detail = detail
    self.subjects = subjects.map { Subject(name: $0.0, value: $0.1) }
  }

  static func == (a: Problem, b: Problem) -> Bool {
    a.code == b.code && a.status == b.status && a.detail == b.detail && a.subjects == b.subjects
      && a.findOut == b.findOut && a.allow == b.allow
      && a.challenge == b.challenge && a.throttle == b.throttle
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(detail)
  }

  /// The body for the request of this id.
  func body(requestID: String) -> [UInt8] {
    var members = subjects.map { (name: $0.name, value: $0.value) }
    if let findOut { members.append((name: "find_out", value: findOut)) }
    return ProblemBody.bytes(code, status: status, detail: detail, requestID: requestID, members)
  }
}
