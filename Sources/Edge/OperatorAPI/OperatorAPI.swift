import Callers
import HTTPServer
import Runtime
import Problems
import Synchronization
import Telemetry

/// The operator port: health, metrics and the partitions' state. Confined to its own lane, so that it answers while the
/// others are busy.
///
/// Its answers need a report from all lanes, which arrives later and on any thread: the completion puts it into an
/// inbox and calls `wake`, and the lane then calls `takeReports`. Requests that arrive while a report is under way
/// share it.
public final class OperatorAPI: HTTPHandler {
  /// How long the lanes have for a report.
  public static let reportTimeoutMilliseconds = 1_000
  /// Requests waiting for a report; beyond this they are refused with 503.
  public static let waitingMax = 256
  /// How long the lanes may fail to report before `/livez` says that the process should be restarted.
  public static let silenceMillisecondsMax: Int64 = 30_000

  private let inspection: any RuntimeInspection
  private let sources: OperatorSources
  private let milliseconds: () -> Int64
  private let wake: @Sendable () -> Void
  private let inbox = Inbox()
  private var waiting: [(exchange: ExchangeID, page: Page)] = []
  private var isAsking = false
  /// Since when a requested report has been missing.
  private var silentSince: Int64?
  /// Why only a new process can serve again.
  private var finalFailure: String?

  /// Which browser requests are answered.
  package var browsers = BrowserRules()
  /// Those who may see more than the probes; nil: everybody.
  package var callers: CallerGate?

  /// Sends an answer that was not available at once; set it before the first request.
  public var answer: (ExchangeID, HTTPResponse) -> Void = { _, _ in }

  /// - Parameters:
  ///   - milliseconds: a monotonic clock.
  ///   - wake: called on any thread; must make the lane call `takeReports` soon.
  public init(
    inspection: any RuntimeInspection, sources: OperatorSources, milliseconds: @escaping () -> Int64,
    wake: @escaping @Sendable () -> Void
  ) {
    self.inspection = inspection
    self.sources = sources
    self.milliseconds = milliseconds
    self.wake = wake
  }

  // MARK: HTTPHandler

  public func respond(to request: borrowing HTTPRequest, as exchange: ExchangeID) -> HTTPResponse? {
    switch request.verdict(by: browsers) {
    case .good, .goodAcrossSites: break
    case .unknownHost:
      return problem(.unknownHost, "The Host is not one of this server's; its setting hosts names them.")
    case .crossSite: return problem(.crossSite, "Pages of other sites may not ask.")
    }
    guard let page = Page(request.path, beside: sources.pages) else {
      return problem(.notFound, "There is nothing at this path; GET / lists what there is.")
    }
    guard request.method == .get || request.method == .head else {
      var response = problem(.methodNotAllowed, "The operator port is read-only: GET and HEAD.")
      response.headers.append((name: "Allow", value: "GET, HEAD"))
      return response
    }
    if !page.isOpen, let refusal = refusal(of: request) { return refusal }
    switch page {
    case .index: return index()
    case .problems: return problems()
    case .other(let place): return other(place)
    case .live:
      ask()
      return live()
    case .ready, .started, .metrics, .partitions:
      guard waiting.count < Self.waitingMax else {
        return problem(.overloaded, "Too many requests wait for a report.")
      }
      waiting.append((exchange, page))
      ask()
      return nil
    }
  }

  /// Why the caller may not see the page; nil if it may.
  private func refusal(of request: borrowing HTTPRequest) -> HTTPResponse? {
    guard let callers else { return nil }
    let (response, challenge): (HTTPResponse, String)
    do throws(CallerGate.Refusal) {
      let scope = CallerScopes.operator
      guard try !request.caller(of: callers).scopes.contains(scope) else { return nil }
      response = problem(.missingScope, "The API key or token lacks the scope operator.")
      challenge = scope.challenge
    } catch {
      response = problem(
        .unauthenticated,
        "Only the probes need no API key: Authorization: Bearer ID.SECRET, with the scope operator; or a token."
      )
      challenge = error.challenge
    }
    var challenged = response
    challenged.headers.append((name: "WWW-Authenticate", value: challenge))
    return challenged
  }

  public func abandoned(_ exchange: ExchangeID) { waiting.removeAll { $0.exchange == exchange } }

  public func refusal(status: UInt16, detail: StaticString) -> HTTPResponse {
    problem(ProblemCode(ofServer: status), status: status, detail)
  }

  // MARK: Reports

  /// Answers waiting requests if a report has arrived. The lane calls it after `wake`.
  public func takeReports() {
    guard let arrival = inbox.take() else { return }
    isAsking = false
    if let report = arrival.report {
      silentSince = nil
      if report.phase == .running { finalFailure = report.logFailure ?? report.storeFailure }
    }
    let answered = waiting
    waiting = []
    for (exchange, page) in answered { answer(exchange, response(page, arrival.report)) }
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

  // MARK: Pages

  private func response(_ page: Page, _ report: RuntimeReport?) -> HTTPResponse {
    switch page {
    case .index: return index()
    case .problems: return problems()
    case .other(let place): return other(place)
    case .live: return live()
    case .ready:
      let readiness = Readiness(report, isLeaving: sources.isLeaving())
      return text(readiness.isReady ? 200 : 503, readiness.isReady ? ["ready"] : readiness.reasons)
    case .started:
      let readiness = Readiness(report, isLeaving: sources.isLeaving())
      return text(readiness.isStarted ? 200 : 503, readiness.isStarted ? ["started"] : readiness.reasons)
    case .metrics:
      return HTTPResponse(
        status: 200, contentType: PrometheusText.contentType,
        body: MetricsPage.bytes(report, sources, ProcessFigures.now()))
    case .partitions:
      guard let report else { return problem(.timedOut, status: 503, "A lane did not answer in time.") }
      return HTTPResponse(status: 200, body: PartitionsPage.bytes(report, of: sources.pod))
    }
  }

  /// The process is live unless only a new one can serve again: its log or store has failed for good, or its lanes have
  /// been silent for long. One slow replay or late report is no reason to end it, as the next process would start from
  /// the same place.
  private func live() -> HTTPResponse {
    if let finalFailure { return text(503, ["only a restart helps: \(finalFailure)"]) }
    guard let silentSince, milliseconds() - silentSince >= Self.silenceMillisecondsMax else {
      return text(200, ["alive"])
    }
    return text(503, ["a lane has not answered for \((milliseconds() - silentSince) / 1_000) seconds"])
  }

  private func index() -> HTTPResponse {
    var json = JSONWriter(reserving: 192)
    json.raw("{\"name\":\"kassa operator port\",\"version\":")
    json.string(sources.version)
    json.raw(",\"paths\":[\"/livez\",\"/readyz\",\"/startupz\",\"/metrics\",\"/partitions\",\"/problems\"")
    for page in sources.pages {
      json.raw(",")
      json.string(page.path)
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

  private func problem(_ code: ProblemCode, status told: UInt16? = nil, _ detail: StaticString) -> HTTPResponse {
    let status = told ?? code.status
    var json = JSONWriter(reserving: 256)
    json.raw("{\"type\":\"")
    json.raw(ProblemCode.typePrefix)
    json.string(inQuotes: code.rawValue)
    json.raw("\",\"title\":")
    json.string(code.title)
    json.raw(",\"status\":")
    json.number(Int64(status))
    json.raw(",\"code\":")
    json.string(code.rawValue)
    json.raw(",\"detail\":")
    json.string(detail)
    json.raw("}")
    var response = HTTPResponse(status: status, contentType: "application/problem+json", body: json.bytes)
    response.headers += code.retryAfterHeader
    return response
  }
}

/// The operator port's pages.
private enum Page {
  case index, live, ready, started, metrics, partitions, problems
  /// One of the sources' pages, by index.
  case other(Int)

  /// Probes decide where requests go and what is restarted, and reveal no more than that; the page about problems is
  /// the same everywhere.
  var isOpen: Bool {
    switch self {
    case .live, .ready, .started, .problems: true
    case .index, .metrics, .partitions, .other: false
    }
  }

  /// The page of a path.
  init?(_ path: UnsafeBufferPointer<UInt8>, beside others: [OperatorPage]) {
    func isMeant(_ name: StaticString) -> Bool {
      path.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
    let pages: [(StaticString, Page)] = [
      ("/", .index), ("/livez", .live), ("/readyz", .ready), ("/startupz", .started), ("/metrics", .metrics),
      ("/partitions", .partitions), (ProblemsPage.path, .problems),
    ]
    if let found = pages.first(where: { isMeant($0.0) }) {
      self = found.1
    } else if let place = others.firstIndex(where: { isMeant($0.path) }) {
      self = .other(place)
    } else {
      return nil
    }
  }
}

/// Holds reports for the operator's lane.
private final class Inbox: Sendable {
  /// A report, or nil if a lane did not answer.
  struct Arrival: Sendable { let report: RuntimeReport? }

  private let arrival = Mutex<Arrival?>(nil)

  func put(_ report: RuntimeReport?) { arrival.withLock { $0 = Arrival(report: report) } }

  func take() -> Arrival? {
    arrival.withLock { arrival in
      defer { arrival = nil }
      return arrival
    }
  }
}
