import Callers
import HTTPServer
import Runtime
import Problems
import Synchronization
import Telemetry

/// The operator port: health, metrics, the partitions' state, and what an operator may make the server do. Confined to
/// its own lane, so that it answers while the others are busy.
///
/// Its answers need a report from all lanes, which arrives later and on any thread: the completion puts it into an
/// inbox and calls `wake`, and the lane then calls `takeReports`. Requests that arrive while a report is under way
/// share it. The outcome of a reload arrives in the same way, but a request that comes during one waits for the next:
/// what it reads may have changed since.
public final class OperatorAPI: HTTPHandler {
  /// How long the lanes have for a report.
  public static let reportTimeoutMilliseconds = 1_000
  /// Requests waiting for a report, and for a reload; beyond this they are refused with 503.
  public static let waitingMax = 256
  /// How long the lanes may fail to report before `/livez` says that the process should be restarted.
  public static let silenceMillisecondsMax: Int64 = 30_000

  private let inspection: any RuntimeInspection
  private let sources: OperatorSources
  private let milliseconds: () -> Int64
  private let wake: @Sendable () -> Void
  private let requestIDs: RequestIDs
  private let inbox = Inbox<RuntimeReport?>()
  private let reloaded = Inbox<ReloadReport>()
  private var waiting: [(exchange: ExchangeID, page: Page)] = []
  /// The requests that wait for the reload under way, and those that wait for the next one.
  private var reloading: [ExchangeID] = []
  private var waitingForReload: [ExchangeID] = []
  private var isReloading = false
  private var refusals: UInt64 = 0
  private var isAsking = false
  /// Since when a requested report has been missing.
  private var silentSince: Int64?

  /// Gets each answered request; nil: nobody does.
  package var access: AccessTrail?
  /// Of requests that wait, if an access log is kept.
  private var notes: [ExchangeID: AccessNote] = [:]
  /// Which browser requests are answered.
  package var browsers = BrowserRules()
  /// Those who may see more than the probes; nil: everybody.
  package var callers: CallerGate?

  /// Sends an answer that was not available immediately; set it before the first request.
  public var answer: (ExchangeID, HTTPResponse) -> Void = { _, _ in }

  /// - Parameters:
  ///   - incarnation: chosen afresh at every start of the process; request ids begin with it.
  ///   - lane: the operator's own; the lanes that serve have other numbers.
  ///   - milliseconds: a monotonic clock.
  ///   - wake: called on any thread; must make the lane call `takeReports` soon.
  public init(
    inspection: any RuntimeInspection, sources: OperatorSources, incarnation: UInt64, lane: UInt16,
    milliseconds: @escaping () -> Int64, wake: @escaping @Sendable () -> Void
  ) {
    requestIDs = RequestIDs(incarnation: incarnation, lane: lane)
    self.inspection = inspection
    self.sources = sources
    self.milliseconds = milliseconds
    self.wake = wake
  }

  // MARK: HTTPHandler

  public func respond(to request: borrowing HTTPRequest, as exchange: ExchangeID) -> HTTPResponse? {
    let note = access?.note(of: request)
    let response = respond(to: request, as: exchange, note)
    if let response {
      access?.answered(note, requestIDs.id(ofExchange: exchange.number), response)
    } else if let note {
      notes[exchange] = note
    }
    return response
  }

  private func respond(
    to request: borrowing HTTPRequest, as exchange: ExchangeID, _ note: AccessNote?
  ) -> HTTPResponse? {
    switch request.verdict(by: browsers) {
    case .good, .goodAcrossSites: break
    case .unknownHost:
      return problem(
        .unknownHost, "The Host is not one of this server's names; its setting hosts lists them.", exchange)
    case .crossSite: return problem(.crossSite, "Pages of other sites may not send requests.", exchange)
    }
    guard let page = Page(request.path, beside: sources.pages) else {
      return problem(.notFound, "There is nothing at this path; GET / lists the paths.", exchange)
    }
    guard page.takes(request.method) else {
      var response = problem(.methodNotAllowed, "This path accepts \(page.allow).", exchange)
      response.headers.append((name: "Allow", value: page.allow.description))
      return response
    }
    if let scope = page.scope, let refusal = refusal(of: request, without: scope, exchange, note) { return refusal }
    switch page {
    case .index, .problems, .other: return response(page, nil, exchange)
    case .live:
      ask()
      return response(page, nil, exchange)
    case .ready, .started, .metrics, .partitions:
      guard waiting.count < Self.waitingMax else {
        return problem(.overloaded, "Too many requests wait for a report.", exchange)
      }
      waiting.append((exchange, page))
      ask()
      return nil
    case .reload:
      guard waitingForReload.count < Self.waitingMax else {
        return problem(.overloaded, "Too many requests wait for a reload.", exchange)
      }
      waitingForReload.append(exchange)
      reload()
      return nil
    }
  }

  /// Why the caller may not see the page or do what it does; nil if it may.
  private func refusal(
    of request: borrowing HTTPRequest, without scope: CallerScopes, _ exchange: ExchangeID, _ note: AccessNote?
  ) -> HTTPResponse? {
    guard let callers else { return nil }
    let (response, challenge): (HTTPResponse, String)
    do throws(CallerGate.Refusal) {
      let caller = try request.caller(of: callers)
      note?.caller = caller.id
      guard !caller.scopes.contains(scope) else { return nil }
      response = problem(
        .missingScope, "The API key or token lacks the scope \(scope).", exchange, [(name: "scope", value: "\(scope)")])
      challenge = scope.challenge
    } catch {
      response = problem(
        .unauthenticated,
        "Only the probes need no API key: Authorization: Bearer ID.SECRET, with the scope \(scope); or a token.",
        exchange)
      challenge = error.challenge
    }
    var challenged = response
    challenged.headers.append((name: "WWW-Authenticate", value: challenge))
    return challenged
  }

  public func abandoned(_ exchange: ExchangeID) {
    waiting.removeAll { $0.exchange == exchange }
    reloading.removeAll { $0 == exchange }
    waitingForReload.removeAll { $0 == exchange }
    if let note = notes.removeValue(forKey: exchange) {
      access?.abandoned(note, requestIDs.id(ofExchange: exchange.number))
    }
  }

  private func finish(_ exchange: ExchangeID, _ response: HTTPResponse) {
    access?.answered(notes.removeValue(forKey: exchange), requestIDs.id(ofExchange: exchange.number), response)
    answer(exchange, response)
  }

  public func refusal(status: UInt16, detail: StaticString) -> HTTPResponse {
    refusals += 1
    let id = requestIDs.id(ofRefusal: refusals)
    let response = problem(ProblemCode(ofServer: status), status: status, detail.description, id)
    access?.answered(nil, id, response)
    return response
  }

  // MARK: Reports

  /// Answers waiting requests if what they wait for has arrived. The lane calls it after `wake`.
  public func takeReports() {
    if let report = reloaded.take() { take(report) }
    guard let arrival = inbox.take() else { return }
    isAsking = false
    if arrival != nil { silentSince = nil }
    let answered = waiting
    waiting = []
    for (exchange, page) in answered { finish(exchange, response(page, arrival, exchange)) }
  }

  private func ask() {
    guard !isAsking else { return }
    isAsking = true
    silentSince = silentSince ?? milliseconds()
    inspection.report(timeoutMilliseconds: Self.reportTimeoutMilliseconds) { [inbox, wake] report in
      inbox.put(report)
      wake()
    }
  }

  // MARK: Reloads

  private func reload() {
    guard !isReloading, !waitingForReload.isEmpty else { return }
    isReloading = true
    reloading = waitingForReload
    waitingForReload = []
    sources.reload { [reloaded, wake] report in
      reloaded.put(report)
      wake()
    }
  }

  private func take(_ report: ReloadReport) {
    isReloading = false
    let answered = reloading
    reloading = []
    for exchange in answered { finish(exchange, response(report, exchange)) }
    reload()
  }

  private func response(_ report: ReloadReport, _ exchange: ExchangeID) -> HTTPResponse {
    if let failure = report.failures.first { return problem(.reloadFailed, failure, exchange) }
    var json = JSONWriter()
    json.raw("{\"read\":[")
    for (place, name) in report.read.enumerated() {
      if place > 0 { json.raw(",") }
      json.string(name)
    }
    json.raw("]}")
    return named(HTTPResponse(status: 200, body: json.bytes), requestIDs.id(ofExchange: exchange.number))
  }

  // MARK: Pages

  private func response(_ page: Page, _ report: RuntimeReport?, _ exchange: ExchangeID) -> HTTPResponse {
    if case .partitions = page, report == nil {
      return problem(
        .timedOut, status: 503, "A lane did not answer in time.", requestIDs.id(ofExchange: exchange.number))
    }
    return named(contents(page, report), requestIDs.id(ofExchange: exchange.number))
  }

  private func contents(_ page: Page, _ report: RuntimeReport?) -> HTTPResponse {
    switch page {
    case .index: return index()
    case .problems: return problems()
    case .other(let place): return other(place)
    case .live: return live()
    case .ready:
      let readiness = Readiness(report, sources)
      return text(readiness.isReady ? 200 : 503, readiness.isReady ? ["ready"] : readiness.reasons)
    case .started:
      let readiness = Readiness(report, sources)
      return text(readiness.isStarted ? 200 : 503, readiness.isStarted ? ["started"] : readiness.reasons)
    case .metrics:
      return HTTPResponse(
        status: 200, contentType: PrometheusText.contentType,
        body: MetricsPage.bytes(report, sources, ProcessFigures.now()))
    case .partitions:
      return HTTPResponse(status: 200, body: report.map { PartitionsPage.bytes($0, sources) } ?? [])
    // It is answered with what became of it instead.
    case .reload: return HTTPResponse(status: 204)
    }
  }

  /// The process is live unless only a new one can serve again: its log or store has failed for good, or its lanes have
  /// been silent for long. One slow replay or late report is no reason to end it, as the next process would start from
  /// the same place.
  private func live() -> HTTPResponse {
    if let failure = inspection.finalFailure { return text(503, ["only a restart helps: \(failure)"]) }
    guard let silentSince, milliseconds() - silentSince >= Self.silenceMillisecondsMax else {
      return text(200, ["alive"])
    }
    return text(503, ["a lane has not answered for \((milliseconds() - silentSince) / 1_000) seconds"])
  }

  private func index() -> HTTPResponse {
    var json = JSONWriter(reserving: 192)
    json.raw("{\"name\":\"kassa operator port\",\"version\":")
    json.string(sources.version)
    json.raw(",\"paths\":[")
    for (place, path) in (Page.own.dropFirst().map(\.path) + sources.pages.map(\.path)).enumerated() {
      if place > 0 { json.raw(",") }
      json.string(path)
    }
    json.raw("]}")
    return HTTPResponse(status: 200, body: json.bytes)
  }

  private func other(_ place: Int) -> HTTPResponse { HTTPResponse(status: 200, body: sources.pages[place].body()) }

  private func problems() -> HTTPResponse {
    HTTPResponse(status: 200, contentType: ProblemsPage.contentType, body: ProblemsPage.html)
  }

  private func text(_ status: UInt16, _ lines: [String]) -> HTTPResponse {
    let body = Array((lines.joined(separator: "\n") + "\n").utf8)
    return HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: body)
  }

  private func problem(
    _ code: ProblemCode, _ detail: String, _ exchange: ExchangeID, _ members: [(name: StaticString, value: String)] = []
  ) -> HTTPResponse {
    problem(code, status: code.status, detail, requestIDs.id(ofExchange: exchange.number), members)
  }

  private func problem(
    _ code: ProblemCode, status: UInt16, _ detail: String, _ id: String,
    _ members: [(name: StaticString, value: String)] = []
  ) -> HTTPResponse {
    let body = ProblemBody.bytes(code, status: status, detail: detail, requestID: id, members)
    var response = named(HTTPResponse(status: status, contentType: ProblemBody.contentType, body: body), id)
    response.headers += code.retryAfterHeader
    response.problemCode = code.rawValue
    return response
  }

  private func named(_ response: HTTPResponse, _ id: String) -> HTTPResponse {
    var response = response
    response.headers.append((name: "X-Request-Id", value: id))
    return response
  }
}

/// Holds what arrives on another thread for the operator's lane.
private final class Inbox<Arrival: Sendable>: Sendable {
  private let arrival = Mutex<Arrival?>(nil)

  func put(_ new: Arrival) { arrival.withLock { $0 = new } }

  func take() -> Arrival? {
    arrival.withLock { arrival in
      defer { arrival = nil }
      return arrival
    }
  }
}
