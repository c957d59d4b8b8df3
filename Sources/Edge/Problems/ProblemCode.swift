/// The stable names of everything that Kassa refuses, on the port of the API and on the operator's.
///
/// Clients decide by these names (`code`), so none is ever renamed or gets another meaning. What each means is in
/// `ProblemTable.swift`: answers, `/openapi.json`, `/problems` and `docs/problems.md` are all made from that table.
package enum ProblemCode: String, CaseIterable, Sendable {
  // The request makes no sense.
  case malformedRequest = "malformed_request"
  case malformedPath = "malformed_path"
  case malformedID = "malformed_id"
  case malformedAmount = "malformed_amount"
  case amountOutOfRange = "amount_out_of_range"
  case malformedIdempotencyKey = "malformed_idempotency_key"

  // The caller may not do this.
  case unauthenticated = "unauthenticated"
  case missingScope = "missing_scope"
  case crossSite = "cross_site"
  case unknownHost = "unknown_host"

  // The thing does not exist.
  case notFound = "not_found"
  case methodNotAllowed = "method_not_allowed"
  case misdirectedRequest = "misdirected_request"
  case unknownOrder = "unknown_order"
  case unknownItem = "unknown_item"
  case unknownUser = "unknown_user"
  case itemNotInOrder = "item_not_in_order"
  case unknownPayment = "unknown_payment"

  // It exists, but its state forbids the request.
  case alreadyExists = "already_exists"
  case checkoutUnderWay = "checkout_under_way"
  case orderPaid = "order_paid"
  case tooManyLines = "too_many_lines"
  case lessInStock = "less_in_stock"
  case notEnoughCredit = "not_enough_credit"
  case paymentConflict = "payment_conflict"
  case sumOutOfRange = "sum_out_of_range"
  case outOfStock = "out_of_stock"
  case outOfCredit = "out_of_credit"
  case checkoutUnknownItem = "checkout_unknown_item"
  case checkoutUnknownUser = "checkout_unknown_user"
  case idempotencyKeyReused = "idempotency_key_reused"

  // It may work later.
  case rateLimited = "rate_limited"
  case tooManyJoined = "too_many_joined"
  case tooManyWaiting = "too_many_waiting"
  case overloaded = "overloaded"
  case starting = "starting"
  case stopping = "stopping"
  case partitionStopped = "partition_stopped"
  case partitionUnserved = "partition_unserved"
  case logFailed = "log_failed"
  case outcomeUnknown = "outcome_unknown"
  case timedOut = "timed_out"

  // What the server refuses before the API sees it.
  case requestTimeout = "request_timeout"
  case tooManyRequests = "too_many_requests"
  case bodyTooLarge = "body_too_large"
  case pathTooLong = "path_too_long"
  case headTooLarge = "head_too_large"
  case internalError = "internal_error"

  // On the operator's port only.
  case reloadFailed = "reload_failed"

  /// The status of an answer with this code.
  package var status: UInt16 { row.status }
  /// What the problem is, the same for every occurrence.
  package var title: StaticString { row.title }

  /// What `type` begins with; the code follows. The whole is the place of the code on the page that every server has at
  /// this path.
  package static let typePrefix: StaticString = "/problems#"
}

extension ProblemCode {
  /// The code of what the HTTP server itself refuses with a status.
  package init(ofServer status: UInt16) {
    self =
      switch status {
      case 404: .notFound
      case 405: .methodNotAllowed
      case 408: .requestTimeout
      case 413: .bodyTooLarge
      case 414: .pathTooLong
      case 421: .misdirectedRequest
      case 429: .tooManyRequests
      case 431: .headTooLarge
      case 503: .overloaded
      case 504: .timedOut
      // A version of HTTP that the server does not speak; the server made no mistake.
      case 505: .malformedRequest
      case 500...: .internalError
      default: .malformedRequest
      }
  }
}

/// One line of the table of problems.
struct ProblemRow {
  let status: UInt16
  let title: StaticString
  let meaning: String
  let caller: String
  /// Empty if there is nothing that an operator could do.
  let `operator`: String
  let repetition: Repetition

  init(
    _ status: UInt16, _ title: StaticString, meaning: String, caller: String, operator: String = "",
    repetition: Repetition = .useless
  ) {
    self.status = status
    self.title = title
    self.meaning = meaning
    self.caller = caller
    self.operator = `operator`
    self.repetition = repetition
  }
}

/// Whether it helps to send the same request again.
enum Repetition: Equatable {
  case useless, afterChange, afterRepair, atOnce, underItsKey
  /// After this many seconds at least, as `Retry-After` says, and why they make sense for the code. Other codes come
  /// without the header.
  case later(_ seconds: Int, _ reason: String)

  /// For the page about problems.
  var advice: String {
    switch self {
    case .useless: "No: the answer stays the same."
    case .afterChange: "Once the reason is gone. The refusal is kept under its `Idempotency-Key`: use a new key then."
    case .afterRepair: "Once what `detail` names is fixed. What could be reloaded is in force; the rest is as before."
    case .atOnce: "Yes, with the same `Idempotency-Key`. Nothing was done."
    case .later: "Yes, after the seconds that `Retry-After` gives, with the same `Idempotency-Key`. Nothing was done."
    case .underItsKey: "Yes, with the same `Idempotency-Key`. Without a key, look first: it may have taken effect."
    }
  }
}

extension ProblemCode {
  /// When to send the request again, and why then; nil where the answer does not say. `docs/http.md` lists them.
  var retryAfter: (seconds: Int, reason: String)? {
    if case .later(let seconds, let reason) = row.repetition { (seconds, reason) } else { nil }
  }

  /// In how many seconds the same request may succeed, at least; nil where the answer does not say.
  package var retryAfterSeconds: Int? { retryAfter?.seconds }

  /// The header that says so; none where the answer does not.
  package var retryAfterHeader: [(name: StaticString, value: String)] {
    guard let seconds = retryAfterSeconds else { return [] }
    return [(name: "Retry-After", value: String(seconds))]
  }
}
