/// The stable names of everything that the API refuses, each with the one status it is answered with.
///
/// Clients decide by these names (`code`, and `type` as `urn:kassa:problem:CODE`), so none is ever renamed or gets
/// another meaning. `/openapi.json` lists them; a test holds the two together.
public enum ProblemCode: String, CaseIterable, Sendable {
  // What is asked makes no sense.
  case malformedRequest = "malformed_request"
  case malformedPath = "malformed_path"
  case malformedID = "malformed_id"
  case malformedAmount = "malformed_amount"
  case amountOutOfRange = "amount_out_of_range"
  case malformedIdempotencyKey = "malformed_idempotency_key"

  // Who asks may not.
  case unauthenticated = "unauthenticated"
  case missingScope = "missing_scope"
  case crossSite = "cross_site"
  case unknownHost = "unknown_host"

  // What is asked for does not exist.
  case notFound = "not_found"
  case methodNotAllowed = "method_not_allowed"
  case misdirectedRequest = "misdirected_request"
  case unknownOrder = "unknown_order"
  case unknownItem = "unknown_item"
  case unknownUser = "unknown_user"
  case itemNotInOrder = "item_not_in_order"
  case unknownPayment = "unknown_payment"

  // It exists, and its state forbids what is asked.
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

  // Later, perhaps.
  case rateLimited = "rate_limited"
  case tooManyJoined = "too_many_joined"
  case tooManyWaiting = "too_many_waiting"
  case overloaded = "overloaded"
  case starting = "starting"
  case stopping = "stopping"
  case partitionStopped = "partition_stopped"
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

  public var status: UInt16 {
    switch self {
    case .malformedRequest, .malformedPath, .malformedID, .malformedAmount, .amountOutOfRange,
      .malformedIdempotencyKey:
      400
    case .unauthenticated: 401
    case .missingScope, .crossSite: 403
    case .notFound, .unknownOrder, .unknownItem, .unknownUser, .itemNotInOrder, .unknownPayment: 404
    case .methodNotAllowed: 405
    case .requestTimeout: 408
    case .alreadyExists, .checkoutUnderWay, .orderPaid, .tooManyLines, .lessInStock, .notEnoughCredit,
      .paymentConflict, .sumOutOfRange, .outOfStock, .outOfCredit, .checkoutUnknownItem, .checkoutUnknownUser:
      409
    case .bodyTooLarge: 413
    case .pathTooLong: 414
    case .misdirectedRequest, .unknownHost: 421
    case .idempotencyKeyReused: 422
    case .rateLimited, .tooManyJoined, .tooManyRequests: 429
    case .headTooLarge: 431
    case .internalError: 500
    case .tooManyWaiting, .overloaded, .starting, .stopping, .partitionStopped, .logFailed: 503
    case .outcomeUnknown, .timedOut: 504
    }
  }

  /// What the problem is, the same for every occurrence.
  public var title: StaticString {
    switch self {
    case .malformedRequest: "The request is malformed"
    case .malformedPath: "The path is malformed"
    case .malformedID: "An id is malformed"
    case .malformedAmount: "A number is malformed"
    case .amountOutOfRange: "A number is out of its range"
    case .malformedIdempotencyKey: "The idempotency key is malformed"
    case .unauthenticated: "The caller is not known"
    case .missingScope: "The caller may not do this"
    case .crossSite: "A page of another site asks"
    case .unknownHost: "The host is not this server's"
    case .notFound: "There is nothing at this path"
    case .methodNotAllowed: "The path does not take this method"
    case .misdirectedRequest: "The path belongs to another service"
    case .unknownOrder: "The order does not exist"
    case .unknownItem: "The item does not exist"
    case .unknownUser: "The user does not exist"
    case .itemNotInOrder: "The order does not have the item"
    case .unknownPayment: "The user did not pay for the order"
    case .alreadyExists: "The id is taken"
    case .checkoutUnderWay: "The order is being checked out"
    case .orderPaid: "The order is paid"
    case .tooManyLines: "The order is full"
    case .lessInStock: "Less is in stock"
    case .notEnoughCredit: "The credit is not enough"
    case .paymentConflict: "The payment is another one"
    case .sumOutOfRange: "A sum would leave its range"
    case .outOfStock: "The item is out of stock"
    case .outOfCredit: "The user is out of credit"
    case .checkoutUnknownItem: "An item of the order does not exist"
    case .checkoutUnknownUser: "The user of the order does not exist"
    case .idempotencyKeyReused: "The idempotency key was used for another request"
    case .rateLimited: "The caller asks too often"
    case .tooManyJoined: "Too many requests wait for this checkout"
    case .tooManyWaiting: "Too many buyers wait for this item"
    case .overloaded: "The server is at its limit"
    case .starting: "The server is starting"
    case .stopping: "The server is stopping"
    case .partitionStopped: "The partition is stopped"
    case .logFailed: "The log cannot be written"
    case .outcomeUnknown: "The outcome is not known yet"
    case .timedOut: "The answer did not come in time"
    case .requestTimeout: "The request did not arrive in time"
    case .tooManyRequests: "Too much comes from this address"
    case .bodyTooLarge: "The body is too large"
    case .pathTooLong: "The path is too long"
    case .headTooLarge: "The head is too large"
    case .internalError: "The server made a mistake"
    }
  }

  /// Whether the same request may succeed a moment later, so that the answer carries `Retry-After`.
  public var isRetryable: Bool { status == 429 || status == 503 }
}
