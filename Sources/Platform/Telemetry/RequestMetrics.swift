/// How many requests of one lane were answered, with which class of status, and how long they took.
///
/// The lane records, a scrape on another thread reads (`CounterCells`). One instance per lane; all instances of a
/// server have the same routes, so that `RequestTotals` can add them up.
public final class RequestMetrics: Sendable {
  /// The route templates, as in the label `route`.
  public let routes: [StaticString]
  private let cells: CounterCells

  /// Upper bounds of the histogram's buckets in microseconds; above the last one only +Inf counts.
  public static let boundsMicroseconds: [Int64] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
  ]

  /// Classes of statuses: 1xx … 5xx.
  static let classCount = 5
  /// The cells of one (route, class): the buckets, +Inf, the sum in microseconds.
  static let width = boundsMicroseconds.count + 2

  public init(routes: [StaticString]) {
    self.routes = routes
    cells = CounterCells(count: routes.count * Self.classCount * Self.width)
  }

  /// Counts one answer. Only on the lane. A route or status that does not exist is ignored.
  public func record(route: Int, status: UInt16, microseconds: Int64) {
    let statusClass = Int(status / 100) - 1
    guard routes.indices.contains(route), (0..<Self.classCount).contains(statusClass) else { return }
    let first = (route * Self.classCount + statusClass) * Self.width
    var bucket = 0
    while bucket < Self.boundsMicroseconds.count, microseconds > Self.boundsMicroseconds[bucket] { bucket += 1 }
    cells.add(1, to: first + bucket)
    cells.add(UInt64(max(microseconds, 0)), to: first + Self.width - 1)
  }

  func value(route: Int, statusClass: Int, cell: Int) -> UInt64 {
    cells.value(at: (route * Self.classCount + statusClass) * Self.width + cell)
  }
}

/// The requests of all lanes together, at one moment.
public struct RequestTotals: Sendable {
  /// One histogram: a route and a class of statuses.
  public struct Series: Sendable {
    public let route: StaticString
    /// `2xx`, `4xx` …
    public let statusClass: StaticString
    /// Per bucket, not yet cumulative; the last is +Inf.
    public let counts: [UInt64]
    public let sumMicroseconds: UInt64
    public var count: UInt64 { counts.reduce(0, &+) }
  }

  /// Every (route, class) that was ever answered.
  public let series: [Series]

  public init(of lanes: [RequestMetrics]) {
    let names: [StaticString] = ["1xx", "2xx", "3xx", "4xx", "5xx"]
    var series: [Series] = []
    for (route, name) in (lanes.first?.routes ?? []).enumerated() {
      for statusClass in 0..<RequestMetrics.classCount {
        let sums = (0..<RequestMetrics.width).map { cell in
          lanes.reduce(UInt64(0)) { $0 &+ $1.value(route: route, statusClass: statusClass, cell: cell) }
        }
        let counts = Array(sums.dropLast())
        guard counts.contains(where: { $0 > 0 }) else { continue }
        series.append(
          Series(route: name, statusClass: names[statusClass], counts: counts, sumMicroseconds: sums.last ?? 0))
      }
    }
    self.series = series
  }
}
