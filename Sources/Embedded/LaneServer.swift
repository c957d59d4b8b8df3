import HTTPServer
import Lanes
import Model
import PartitionRuntime
import PriceCache
import RestAPI
import Telemetry

/// What one lane serves: its connections, its REST API, and its partitions. Lane-confined.
final class LaneServer {
  let http: HTTPServer
  let rest: RestAPI
  let metrics: RequestMetrics
  private let lane: Lane
  private let runtime: Runtime

  /// How often requests that waited too long are looked for.
  static let expiryMilliseconds: UInt64 = 100

  init(
    lane: Lane, runtime: Runtime, listener: HTTPListener, configuration: Configuration, ledger: ConnectionLedger,
    prices: any PriceCache, keys: KeyRegistry, incarnation: UInt64, version: String
  ) throws {
    self.lane = lane
    self.runtime = runtime
    metrics = RequestMetrics(routes: RestAPI.routes)
    rest = RestAPI(
      port: runtime.port(ofLane: lane.index), prices: prices, keys: keys, metrics: metrics, incarnation: incarnation,
      lane: UInt16(lane.index), limits: configuration.rest, version: version,
      microseconds: Clock.monotonicMicroseconds)
    http = try HTTPServer(
      lane: lane, listener: listener, limits: configuration.http, tls: configuration.tls, connections: ledger,
      handler: rest)
    rest.answer = { [unowned http] exchange, response in http.answer(exchange, response) }
    runtime.setClient(rest, ofLane: lane.index)
  }

  /// Starts the lane's timers; on the lane.
  func begin() {
    lane.every(milliseconds: Self.expiryMilliseconds) { [unowned rest] in
      rest.expire(nowMilliseconds: Clock.monotonicMicroseconds() / 1_000)
    }
  }

  /// Requests in, partitions, answers out. Returns whether another turn should follow at once.
  func turn() -> Bool {
    var isBusy = http.run()
    if runtime.turn(lane: lane.index) { isBusy = true }
    // What the partitions answered leaves in this turn.
    if http.run() { isBusy = true }
    // The same round may have read the next requests.
    return isBusy || runtime.hasUnsent(lane: lane.index)
  }
}
