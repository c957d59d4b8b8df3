import Callers
import Clocks
import HTTPServer
import Lanes
import OperatorAPI
import Runtime

/// The operator port on its own lane. Lane-confined.
final class OperatorLane {
  let http: HTTPServer
  private let api: OperatorAPI

  init(
    lane: Lane, runtime: any RuntimeInspection, listener: HTTPListener, limits: HTTPLimits, sources: OperatorSources,
    incarnation: UInt64, browsers: BrowserRules, callers: KnownCallers?
  ) throws {
    api = OperatorAPI(
      inspection: runtime, sources: sources, incarnation: incarnation, lane: UInt16(lane.index),
      milliseconds: { MonotonicClock.milliseconds },
      wake: { lane.wake() })
    api.browsers = browsers
    api.access = sources.accessLog.map {
      AccessTrail($0, isOperators: true, microseconds: { MonotonicClock.microseconds })
    }
    api.callers = callers?.gate()
    http = try HTTPServer(
      lane: lane, listener: listener, limits: limits, tls: nil, connections: ConnectionLedger(limits: limits),
      handler: api)
    api.answer = { [unowned http] exchange, response in http.answer(exchange, response) }
  }

  /// Puts other API keys and keys of tokens in force.
  func replaceCallers(_ known: KnownCallers) {
    if let gate = api.callers { known.replace(in: gate) }
  }

  func turn() -> Bool {
    var isBusy = http.run()
    api.takeReports()
    if http.run() { isBusy = true }
    return isBusy
  }
}
