import Callers
import HTTPServer
import Problems

/// The operator port's pages.
enum Page {
  case index, live, ready, started, metrics, partitions, problems, reload
  /// One of the sources' pages, by index.
  case other(Int)

  /// What a caller needs; nil: nothing. Probes decide where requests go and what is restarted, and reveal no more than
  /// that; the page about problems is the same everywhere.
  var scope: CallerScopes? {
    switch self {
    case .live, .ready, .started, .problems: nil
    case .index, .metrics, .partitions, .other: .operatorRead
    case .reload: .operatorWrite
    }
  }

  /// The methods that the page takes, as `Allow` names them.
  var allow: StaticString {
    switch self {
    case .reload: "POST"
    case .index, .live, .ready, .started, .metrics, .partitions, .problems, .other: "GET, HEAD"
    }
  }

  func takes(_ method: HTTPMethod) -> Bool {
    switch self {
    case .reload: method == .post
    case .index, .live, .ready, .started, .metrics, .partitions, .problems, .other: method == .get || method == .head
    }
  }

  /// The pages that every server has.
  static let own: [(path: StaticString, page: Page)] = [
    ("/", .index), ("/livez", .live), ("/readyz", .ready), ("/startupz", .started), ("/metrics", .metrics),
    ("/partitions", .partitions), (ProblemsPage.path, .problems), ("/reload", .reload),
  ]

  /// The page of a path.
  init?(_ path: UnsafeBufferPointer<UInt8>, beside others: [OperatorPage]) {
    func isMeant(_ name: StaticString) -> Bool {
      path.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
    if let found = Self.own.first(where: { isMeant($0.path) }) {
      self = found.page
    } else if let place = others.firstIndex(where: { isMeant($0.path) }) {
      self = .other(place)
    } else {
      return nil
    }
  }
}
