import Callers
import HTTPServer
import Model
import Problems

/// A method of a path: one row of the table that the API is made from.
///
/// What a request may do, what it starts, how it is counted, and what `/openapi.json` says of it, all follow from the
/// row. A new endpoint is a new row, and perhaps a new path parameter, answer or problem code, which have tables too.
struct Endpoint: Sendable {
  let method: HTTPMethod
  /// Words, then parameters in braces. The rows of a path stand together.
  let path: StaticString
  /// The name and a title, for generated clients.
  let id: StaticString
  let summary: StaticString
  let description: String?
  let answer: Answer
  /// What a good answer says.
  let answerDescription: StaticString
  /// Its own problem codes, besides those that follow from the rest of the row.
  private let refusals: [ProblemCode]
  let start: Start

  /// The service that the path belongs to; nil for what every process answers.
  let service: Service?
  /// Where the document lists it.
  let tag: StaticString
  /// What a caller needs for it; nil: nothing.
  let scope: CallerScopes?

  init(
    _ method: HTTPMethod, _ path: StaticString, _ id: StaticString, _ summary: StaticString,
    description: String? = nil, _ answer: Answer, _ answerDescription: StaticString, refusals: [ProblemCode] = [],
    _ start: Start
  ) {
    self.method = method
    self.path = path
    self.id = id
    self.summary = summary
    self.description = description
    self.answer = answer
    self.answerDescription = answerDescription
    self.refusals = refusals
    self.start = start
    let read: CallerScopes?
    let write: CallerScopes?
    (service, tag, read, write) =
      switch path.description.split(separator: "/").first {
      case "orders": (.orders, "orders", .ordersRead, .ordersWrite)
      case "stock": (.stock, "stock", .stockRead, .stockWrite)
      case "payment": (.payments, "payment", .paymentRead, .paymentWrite)
      default: (nil, "about", nil, nil)
      }
    scope =
      switch start {
      case .constant, .read: read
      case .change, .price: write
      case .batch: .admin
      }
  }

  /// What a request starts. The functions read the path's parameters, and throw the first that is malformed.
  enum Start: Sendable {
    /// Answered without any partition.
    case constant(Constant)
    case read(@Sendable (borrowing PathSegments) throws(Problem) -> Query)
    case change(@Sendable (borrowing PathSegments, inout IDSource) throws(Problem) -> Command)
    /// A change for which the item's price must be known first.
    case price(@Sendable (borrowing PathSegments) throws(Problem) -> LineChange)
    case batch(@Sendable (borrowing PathSegments, inout IDSource) throws(Problem) -> BatchPlan)
  }

  /// An answer that never changes, and contains nobody's data.
  enum Constant { case index, options, document, problems }

  /// What a good answer has in its body; raw values are names of schemas.
  enum Answer: String {
    case done = "Done"
    case batchDone = "BatchDone"
    case orderCreated = "OrderCreated"
    case orderChanged = "OrderChanged"
    case order = "Order"
    case orderWithItems = "OrderWithItems"
    case itemCreated = "ItemCreated"
    case item = "Item"
    case userCreated = "UserCreated"
    case user = "User"
    case paymentStatus = "PaymentStatus"
    case index = "Index"
    /// The document itself.
    case document
    case page
    case nothing
  }

  // MARK: What follows

  /// The names in braces.
  var parameters: [Substring] {
    path.description.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
  }

  /// Whether it changes something, and so takes an `Idempotency-Key`.
  var isChange: Bool {
    switch start {
    case .constant, .read: false
    case .change, .price, .batch: true
    }
  }

  /// Whether a partition has to be read for it, before anything is changed.
  private var reads: Bool {
    switch start {
    case .read, .price: true
    case .constant, .change, .batch: false
    }
  }

  /// Every code with which it may be refused once the server has accepted it as a request.
  var codes: [ProblemCode] {
    guard service != nil else { return [] }
    let ids = parameters.filter { $0.hasSuffix("_id") }.count
    var codes: [ProblemCode] = [.malformedPath]
    if ids > 0 { codes.append(.malformedID) }
    if ids < parameters.count { codes += [.malformedAmount, .amountOutOfRange] }
    if method != .get { codes.append(.malformedIdempotencyKey) }
    codes += [.unauthenticated, .missingScope, .crossSite] + refusals + [.rateLimited]
    codes += [.overloaded, .starting, .stopping, .partitionStopped, .partitionUnserved, .logFailed]
    if isChange { codes += [.idempotencyKeyReused, .outcomeUnknown] }
    if reads { codes.append(.timedOut) }
    return codes
  }

  /// What every endpoint may be refused with before the API sees it.
  static let serverCodes: [ProblemCode] = [
    .malformedRequest, .crossSite, .misdirectedRequest, .unknownHost, .requestTimeout, .bodyTooLarge, .pathTooLong,
    .headTooLarge, .tooManyRequests, .overloaded, .internalError,
  ]
}
