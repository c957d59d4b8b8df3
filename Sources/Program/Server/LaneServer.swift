import Callers
import Clocks
import HTTPServer
import Lanes
import Model
import Runtime
import Ports
import RestAPI
import Telemetry

extension Log {
  /// Reports how far a long `batch_init` is.
  fileprivate func report(_ progress: BatchProgress) {
    info(
      progress.isOver ? "batch_init finished" : "batch_init in progress",
      [
        "service": LogValue(progress.service.name), "entities": LogValue(progress.entities),
        "of": LogValue(progress.entitiesInAll), "milliseconds": LogValue(progress.milliseconds),
        "request_id": LogValue(progress.requestID),
      ])
  }
}

/// What one lane serves: its connections, its REST API, and its partitions. Lane-confined.
final class LaneServer {
  let http: HTTPServer
  let rest: RestAPI
  let metrics: RequestMetrics
  private let lane: Lane
  private let runtime: any ServedRuntime

  /// How often to look for requests that waited too long.
  static let expiryMilliseconds: UInt64 = 100

  /// What all lanes share.
  struct Shared {
    let options: ServingOptions
    let parts: ServerFront.Parts
    let listener: HTTPListener
    let ledger: ConnectionLedger
    let keys: KeyRegistry
    /// nil: everybody may do everything.
    let callers: KnownCallers?
    let accessLog: AccessLog?
  }

  init(_ lane: Lane, _ shared: Shared) throws {
    self.lane = lane
    let parts = shared.parts
    guard parts.prices.indices.contains(lane.index) else {
      throw ConfigurationError("lane \(lane.index) has no price cache")
    }
    runtime = parts.runtime
    metrics = RequestMetrics(routes: RestAPI.routes)
    rest = RestAPI(
      port: runtime.port(ofLane: lane.index), prices: parts.prices[lane.index], keys: shared.keys, metrics: metrics,
      incarnation: parts.incarnation, lane: UInt16(lane.index), limits: shared.options.rest, services: parts.services,
      version: parts.version, microseconds: { MonotonicClock.microseconds })
    rest.browsers = shared.options.browsers
    rest.access = shared.accessLog.map { AccessTrail($0, microseconds: { MonotonicClock.microseconds }) }
    rest.onBatchProgress = parts.journal.map { journal in { journal.report($0) } }
    rest.callers = shared.callers?.gate()
    http = try HTTPServer(
      lane: lane, listener: shared.listener, limits: shared.options.http, tls: shared.options.tls,
      connections: shared.ledger, handler: rest)
    rest.answer = { [unowned http] exchange, response in http.answer(exchange, response) }
    runtime.setClient(rest, ofLane: lane.index)
  }

  /// Starts the lane's timers; on the lane.
  func begin() {
    lane.every(milliseconds: Self.expiryMilliseconds) { [unowned rest] in
      rest.expire(nowMilliseconds: MonotonicClock.milliseconds)
    }
  }

  /// Answers what still waits, and closes all connections. Call it when the lane should end.
  func close() {
    rest.stop()
    http.close()
  }

  /// Requests in, partitions, answers out. Returns whether another turn should follow immediately.
  func turn() -> Bool {
    var isBusy = http.run()
    if runtime.turn(lane: lane.index) { isBusy = true }
    // What the partitions answered leaves in this turn.
    if http.run() { isBusy = true }
    // The same round may have read the next requests.
    return isBusy || runtime.hasUnsent(lane: lane.index)
  }
}
