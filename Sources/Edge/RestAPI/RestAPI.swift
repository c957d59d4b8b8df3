import Callers
import HTTPServer
import Model
import Runtime
import Ports
import Problems
import Telemetry

/// The REST API of orders, stock and payments on one lane: turns requests into commands and queries, and what becomes
/// of them into answers. Lane-confined.
///
/// Every request is parsed and refused here if it can be; else it waits, remembered under its exchange, until the
/// partition's outcome comes (`finished`), its deadline passes (`expire`) or its client goes away (`abandoned`).
/// Exactly one answer leaves for each exchange.
///
/// The numbers that the port sees are the exchange's number and two bits for the step, so that an answer to an
/// earlier step of the same request can be recognized (`RequestNumber`).
public final class RestAPI: HTTPHandler, RequestClient {
  let port: any RequestPort
  let prices: any PriceCache
  let keys: KeyRegistry
  let limits: RestLimits
  private let metrics: RequestMetrics
  private let services: ServedServices
  private let requestIDs: RequestIDs
  private let indexBody: [UInt8]
  private var random: any RandomNumberGenerator
  let microseconds: () -> Int64

  /// Sends an answer that was not given immediately; set it before the first request.
  public var answer: (ExchangeID, HTTPResponse) -> Void = { _, _ in }

  /// Who may do what; nil: everybody everything.
  package var callers: CallerGate?
  /// Gets each answered request; nil: nobody does.
  package var access: AccessTrail?
  /// Gets the progress of a long `batch_init`; nil: nobody does.
  package var onBatchProgress: ((BatchProgress) -> Void)?
  /// Which requests of browsers are answered.
  package var browsers = BrowserRules()

  private var path: PathSegments
  private let finder = RouteFinder()
  var pending: PendingRequests
  var batches: [UInt64: BatchRun] = [:]
  /// Which exchange the number of a batch's command belongs to.
  var batchNumbers: [UInt64: UInt64] = [:]
  var lastBatchNumber: UInt64 = 0
  var isPumping = false
  private var refusals: UInt64 = 0
  /// The exchange that `respond` is about, and its answer if that has already come.
  private var responding: (exchange: ExchangeID, response: HTTPResponse?)?

  /// The templates of all routes, for `RequestMetrics`.
  public static let routes: [StaticString] = ([.unmatched] + Route.all).map(\.template)

  /// - Parameters:
  ///   - keys: shared by all lanes of the process.
  ///   - metrics: this lane's own, made with `RestAPI.routes`.
  ///   - incarnation: chosen afresh at every start of the process; request ids begin with it.
  ///   - services: whose routes are answered; requests for the others are refused with 421.
  ///   - version: what `GET /` says.
  ///   - microseconds: a monotonic clock.
  public init(
    port: any RequestPort, prices: any PriceCache, keys: KeyRegistry, metrics: RequestMetrics, incarnation: UInt64,
    lane: UInt16, limits: RestLimits = RestLimits(), services: Set<Service> = Set(Service.allCases), version: String,
    random: any RandomNumberGenerator = SystemRandomNumberGenerator(), microseconds: @escaping () -> Int64
  ) {
    self.port = port
    self.prices = prices
    self.keys = keys
    self.metrics = metrics
    self.limits = limits
    self.services = ServedServices(services)
    self.random = random
    self.microseconds = microseconds
    requestIDs = RequestIDs(incarnation: incarnation, lane: lane)
    indexBody = APIDocument.index(version: version)
    path = PathSegments(bytesMax: limits.pathBytesMax)
    pending = PendingRequests(countMax: limits.pendingRequestsMax)
  }

  /// Requests waiting for a partition.
  public var waitingCount: Int { pending.count + batches.count }

  // MARK: HTTPHandler

  public func respond(to request: borrowing HTTPRequest, as exchange: ExchangeID) -> HTTPResponse? {
    let note = access?.note(of: request)
    let response = respond(to: request, as: exchange, note)
    if let response { access?.answered(note, requestID(of: exchange), response) }
    return response
  }

  private func respond(
    to request: borrowing HTTPRequest, as exchange: ExchangeID, _ note: AccessNote?
  ) -> HTTPResponse? {
    let started = microseconds()
    let shape = path.parse(request.path)
    let route: Route =
      switch shape {
      case .segments: finder.route(of: path)
      case .root: .root
      // `OPTIONS *`: no other method has this target.
      case .nothing where request.path.elementsEqual("*".utf8): .root
      case .nothing, .badEscape, .tooLong: .unmatched
      }
    let trace = RequestHeaders.trace(of: request)
    var origin = RequestOrigin(
      exchange: exchange, route: route, startedMicroseconds: started, trace: trace?.context,
      traceparent: trace?.header, note: note)
    responding = (exchange, nil)
    defer { responding = nil }
    do throws(Problem) {
      origin.site = try site(of: request)
      try check(shape, route)
      if origin.site != nil && isPreflight(request) { return preflight(origin) }
      guard let row = route.row(for: request.method) else { throw .methodNotAllowed(route.allow) }
      let caller = try admit(request, needing: Endpoint.all[row].scope, note)
      origin.answer = Endpoint.all[row].answer
      try start(Endpoint.all[row].start, request, &origin, caller)
    } catch {
      return finish(origin, with: error)
    }
    return responding?.response
  }

  public func abandoned(_ exchange: ExchangeID) {
    if let request = pending.remove(exchange.number) {
      giveBack(request.step.unusedToken)
      access?.abandoned(request.origin.note, requestID(of: exchange))
    }
    if let batch = batches[exchange.number] {
      forget(batch)
      access?.abandoned(batch.origin.note, requestID(of: exchange))
    }
  }

  public func refusal(status: UInt16, detail: StaticString) -> HTTPResponse {
    refusals += 1
    var problem = Problem(ProblemCode(ofServer: status), detail.description)
    problem.status = status
    var response = HTTPResponse(status: status, contentType: ProblemBody.contentType)
    let id = requestIDs.id(ofRefusal: refusals)
    response.body = problem.body(requestID: id)
    response.problemCode = problem.code.rawValue
    response.headers = [(name: "X-Request-Id", value: id), Self.notToBeStored] + problem.code.retryAfterHeader
    metrics.record(route: Int(Route.unmatched.index), status: status, microseconds: 0)
    access?.answered(nil, id, response)
    return response
  }

  // MARK: Requests

  private func check(_ shape: PathSegments.Shape, _ route: Route) throws(Problem) {
    switch shape {
    case .badEscape:
      throw Problem(.malformedPath, "An escape in the path is broken, or stands for a character that no path has.")
    case .tooLong:
      throw Problem(.pathTooLong, "A path has at most \(limits.pathBytesMax) characters.")
    case .root, .segments, .nothing:
      if route == .unmatched {
        throw Problem(.notFound, "There is nothing at this path; GET /openapi.json lists the paths.")
      }
    }
    try services.check(route)
  }

  /// Answers a constant immediately, or passes the request to its partition.
  private func start(
    _ start: Endpoint.Start, _ request: borrowing HTTPRequest, _ origin: inout RequestOrigin, _ caller: Caller?
  ) throws(Problem) {
    // What changes nothing does not look at keys.
    if case .constant(let constant) = start { return answer(with: constant, origin) }
    var key = request.method == .get || request.method == .head ? nil : try RequestHeaders.idempotencyKey(of: request)
    if let caller, let sent = key {
      origin.callersKey = sent
      key = IdempotencyKey(unchecked: caller.own(idempotencyKey: sent.text))
    }
    let origin = origin
    switch start {
    case .constant: break
    case .read(let query): try read(query(path), origin)
    case .change(let command):
      let command = try make(under: key, request.method, command)
      try keyed(key, request.method, origin) { token throws(Problem) in try submit(command, origin, token: token) }
    case .price(let line):
      let line = try line(path)
      try keyed(key, request.method, origin) { token throws(Problem) in try change(line, origin, token: token) }
    case .batch(let plan):
      let plan = try make(under: key, request.method, plan)
      try keyed(key, request.method, origin) { token throws(Problem) in try begin(plan, origin, token: token) }
    }
  }

  /// Makes what may need new ids.
  private func make<Made>(
    under key: IdempotencyKey?, _ method: HTTPMethod,
    _ make: (borrowing PathSegments, inout IDSource) throws(Problem) -> Made
  ) throws(Problem) -> Made {
    var ids = IDSource(base: key.map { hash(of: method, $0) }, partitioner: port.partitioner, random: random)
    let made = try make(path, &ids)
    random = ids.random
    return made
  }

  private func answer(with constant: Endpoint.Constant, _ origin: RequestOrigin) {
    switch constant {
    case .index: finish(origin, status: 200, body: indexBody)
    case .options: deliver(options(origin), origin)
    case .document: finish(origin, status: 200, body: APIDocument.bytes)
    case .problems:
      let (type, body) = (ProblemsPage.contentType, ProblemsPage.html)
      deliver(response(origin, status: 200, type: type, body: body, isReplayed: false), origin)
    }
  }

  /// Starts a change under its key, which is free again if the change is refused immediately.
  private func keyed(
    _ key: IdempotencyKey?, _ method: HTTPMethod, _ origin: RequestOrigin,
    _ start: (IdempotencyToken?) throws(Problem) -> Void
  ) throws(Problem) {
    let token = try token(key, method, sentAs: origin.callersKey)
    do throws(Problem) {
      try start(token)
    } catch {
      giveBack(token)
      throw error
    }
  }

  /// Nothing was done under a key, and nothing will be.
  func giveBack(_ token: IdempotencyToken?) {
    if let token { keys.giveBack(token) }
  }

  /// The key with what it is used for.
  /// - Throws: `idempotency_key_reused` if it is known to have been used for something else.
  private func token(
    _ key: IdempotencyKey?, _ method: HTTPMethod, sentAs sent: IdempotencyKey?
  ) throws(Problem) -> IdempotencyToken? {
    guard let key else { return nil }
    var bytes: [UInt8] = [method.rawValue]
    bytes.append(contentsOf: path.canonical)
    let token = IdempotencyToken(key: key, fingerprint: MurmurHash3(bytes).first)
    guard keys.admit(token, nowMilliseconds: microseconds() / 1_000) else { throw .keyReused(sent ?? key) }
    return token
  }

  /// What the partition of an id made under a key is derived from: a repetition must reach the one that knows it.
  private func hash(of method: HTTPMethod, _ key: IdempotencyKey) -> MurmurHash3 {
    var bytes: [UInt8] = [method.rawValue]
    bytes.append(contentsOf: path.canonical)
    bytes.append(0)
    bytes.append(contentsOf: key.text.utf8)
    return MurmurHash3(bytes)
  }

  func remember(_ step: PendingRequest.Step, _ origin: RequestOrigin) throws(Problem) {
    guard !pending.isFull else { throw Problem(.overloaded, "Too many requests wait; nothing was changed.") }
    pending.insert(
      PendingRequest(origin: origin, step: step),
      deadlineMilliseconds: origin.startedMicroseconds / 1_000 + limits.requestDeadlineMilliseconds)
  }

  /// What a partition refuses, in its caller's words.
  func problem(of refusal: Refusal, _ origin: RequestOrigin) -> Problem {
    if case .idempotencyKeyReused = refusal, let key = origin.callersKey { return .keyReused(key) }
    return Problem(refusal)
  }

  // MARK: Answers

  /// For all answers except those that are the same for everybody: carts and credit are personal, and change.
  private static let notToBeStored: (name: StaticString, value: String) = (name: "Cache-Control", value: "no-store")

  /// Answers an exchange: immediately if it is the one that `respond` is about, else through `answer`.
  func finish(_ origin: RequestOrigin, status: UInt16, body: [UInt8], isReplayed: Bool = false) {
    let response = response(origin, status: status, type: "application/json", body: body, isReplayed: isReplayed)
    deliver(response, origin)
  }

  func deliver(_ response: HTTPResponse, _ origin: RequestOrigin) {
    if responding?.exchange == origin.exchange {
      responding?.response = response
    } else {
      access?.answered(origin.note, requestID(of: origin.exchange), response)
      answer(origin.exchange, response)
    }
  }

  /// Makes the answer that refuses a request.
  func finish(_ origin: RequestOrigin, with problem: Problem, isReplayed: Bool = false) -> HTTPResponse {
    let body = problem.body(requestID: requestID(of: origin.exchange))
    var response = response(
      origin, status: problem.status, type: ProblemBody.contentType, body: body, isReplayed: isReplayed)
    response.problemCode = problem.code.rawValue
    if let allow = problem.allow { response.headers.append((name: "Allow", value: allow)) }
    if let challenge = problem.challenge {
      response.headers.append((name: "WWW-Authenticate", value: challenge))
    }
    response.headers += problem.throttle?.headers ?? problem.code.retryAfterHeader
    return response
  }

  func response(
    _ origin: RequestOrigin, status: UInt16, type: StaticString, body: [UInt8], isReplayed: Bool
  ) -> HTTPResponse {
    var response = HTTPResponse(status: status, contentType: type, body: body)
    response.headers = [(name: "X-Request-Id", value: requestID(of: origin.exchange))]
    if !origin.route.isConstant { response.headers.append(Self.notToBeStored) }
    if let traceparent = origin.traceparent {
      response.headers.append((name: "traceparent", value: traceparent))
    }
    if isReplayed { response.headers.append((name: "Idempotent-Replayed", value: "true")) }
    if let site = origin.site { response.headers += Self.headers(forPagesOf: site) }
    metrics.record(
      route: Int(origin.route.index), status: status, microseconds: microseconds() - origin.startedMicroseconds)
    return response
  }

  /// The id of the request's command in the log, if it has one; also of the commands of its `batch_init`.
  func requestID(of exchange: ExchangeID) -> String { requestIDs.id(ofExchange: exchange.number) }

  static func number(of exchange: ExchangeID, step: UInt64) -> UInt64 {
    RequestNumber.of(exchange: exchange.number, step: step)
  }
}
