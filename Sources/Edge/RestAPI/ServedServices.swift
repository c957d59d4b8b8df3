import Model
import Problems

/// Whose routes this process answers.
struct ServedServices {
  private let mask: UInt8
  /// For people.
  private let names: String

  init(_ services: Set<Service>) {
    mask = services.reduce(0) { $0 | Self.bit($1) }
    names = Service.allCases.filter(services.contains).map(\.name.description).joined(separator: " and ")
  }

  private static func bit(_ service: Service) -> UInt8 { 1 << service.rawValue }

  /// - Throws: `misdirected_request` for a route of another service.
  func check(_ route: Route) throws(Problem) {
    guard let service = route.service, mask & Self.bit(service) == 0 else { return }
    let own = names.isEmpty ? "takes no requests" : "serves \(names)"
    throw Problem(
      .misdirectedRequest, "This pod \(own); the path belongs to \(service.name).",
      ("service", service.name.description))
  }
}
