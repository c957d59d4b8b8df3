import HTTPServer
import Model

/// A path of the API: its rows in the table. A plain value, so that asking it allocates and counts nothing.
struct Route: Hashable, Sendable {
  /// Its place among all paths, and the index of its metrics.
  let index: UInt8
  private let firstRow: UInt8
  private let rowCount: UInt8
  /// The service that the path belongs to; nil for what every process answers.
  let service: Service?

  /// Any path that is not the API's.
  static let unmatched = Route(index: 0, firstRow: 0, rowCount: 0, service: nil)
  static let root = all.first { $0.template.description == "/" } ?? unmatched

  /// Every path of the API.
  static let all: [Route] = {
    var starts: [Int] = []
    for (row, endpoint) in Endpoint.all.enumerated()
    where row == 0 || Endpoint.all[row - 1].path.description != endpoint.path.description {
      starts.append(row)
    }
    return zip(starts, starts.dropFirst() + [Endpoint.all.count]).enumerated().map { place, rows in
      Route(
        index: UInt8(clamping: place + 1), firstRow: UInt8(clamping: rows.0),
        rowCount: UInt8(clamping: rows.1 - rows.0), service: Endpoint.all[rows.0].service)
    }
  }()

  private var rows: Range<Int> { Int(firstRow)..<Int(firstRow) + Int(rowCount) }

  /// Its rows in the table.
  var endpoints: ArraySlice<Endpoint> { Endpoint.all[rows] }

  /// The path as `/openapi.json` writes it, for metrics.
  var template: StaticString { endpoints.first?.path ?? "unmatched" }

  /// Whether its answer never changes, and contains nobody's data.
  var isConstant: Bool { rowCount > 0 && service == nil }

  /// The methods that the path takes, as `Allow` lists them.
  var allow: String {
    endpoints.map { $0.method == .get ? "GET, HEAD" : $0.method.name.description }.joined(separator: ", ")
  }

  /// The row in the table for a method; nil if the path does not take it.
  func row(for method: HTTPMethod) -> Int? {
    let method = method == .head ? .get : method
    return rows.first { Endpoint.all[$0].method == method }
  }
}

/// Finds the route of a path by the words that it begins with; only parameters follow them.
struct RouteFinder {
  private struct Words {
    let route: Route
    let segmentCount: Int
    let wordCount: Int
    let byteCount: Int
    let bytes: UnsafePointer<UInt8>

    init(_ route: Route) {
      let segments = route.template.description.split(separator: "/")
      let words = segments.prefix { !$0.hasPrefix("{") }
      self.route = route
      segmentCount = segments.count
      wordCount = words.count
      byteCount = words.reduce(0) { $0 + 1 + $1.utf8.count }
      bytes = route.template.utf8Start
    }
  }

  /// By number of segments.
  private let words = Route.all.map { Words($0) }.sorted { $0.segmentCount < $1.segmentCount }
  /// Where the words for each number of segments begin.
  private let starts: [Int]

  init() {
    starts = (0...PathSegments.countMax + 1).map { [words] count in
      words.firstIndex { $0.segmentCount >= count } ?? words.count
    }
  }

  /// Finds the route of a path that has segments.
  func route(of path: borrowing PathSegments) -> Route {
    for place in starts[path.count]..<starts[path.count + 1]
    where path.begins(with: words[place].bytes, words[place].wordCount, byteCount: words[place].byteCount) {
      return words[place].route
    }
    return .unmatched
  }
}
