/// What a caller may do.
package struct CallerScopes: OptionSet, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let ordersRead = CallerScopes(rawValue: 1)
  package static let ordersWrite = CallerScopes(rawValue: 2)
  package static let stockRead = CallerScopes(rawValue: 4)
  package static let stockWrite = CallerScopes(rawValue: 8)
  package static let paymentRead = CallerScopes(rawValue: 16)
  package static let paymentWrite = CallerScopes(rawValue: 32)
  /// `batch_init`, and nothing else.
  package static let admin = CallerScopes(rawValue: 64)
  /// See the operator port's pages.
  package static let operatorRead = CallerScopes(rawValue: 128)
  /// Make the server do what the operator port offers.
  package static let operatorWrite = CallerScopes(rawValue: 256)

  package static let all: [(scope: CallerScopes, name: StaticString)] = [
    (.ordersRead, "orders:read"), (.ordersWrite, "orders:write"), (.stockRead, "stock:read"),
    (.stockWrite, "stock:write"), (.paymentRead, "payment:read"), (.paymentWrite, "payment:write"), (.admin, "admin"),
    (.operatorRead, "operator:read"), (.operatorWrite, "operator:write"),
  ]

  /// Reads names separated by commas: `orders:read,admin`. `orders`, `stock`, `payment` or `operator` alone means
  /// both of its scopes. nil for anything else, and for no names.
  package init?(names text: Substring) {
    var scopes: CallerScopes = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let named = CallerScopes(name: name) else { return nil }
      scopes.formUnion(named)
    }
    self = scopes
  }

  /// Reads one name. A service alone means both of its scopes. nil for anything else.
  package init?(name: Substring) {
    let named = Self.all.filter {
      let full = $0.name.description
      return full == name || (full.hasPrefix(name) && full.dropFirst(name.count).first == ":" && !name.isEmpty)
    }
    guard !named.isEmpty else { return nil }
    self = CallerScopes(named.map(\.scope))
  }

  /// The `WWW-Authenticate` header for a caller that lacks these.
  package var challenge: String { "Bearer realm=\"kassa\", error=\"insufficient_scope\", scope=\"\(self)\"" }

  package var description: String {
    Self.all.filter { contains($0.scope) }.map(\.name.description).joined(separator: ",")
  }
}
