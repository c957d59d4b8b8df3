// Web pages as uninvited callers
//
// A browser on the operator's own machine, or inside the network, reaches what strangers cannot. Through it, any page
// on the web can reach a server that accepts everybody in two ways:
//
// * The page sends a cross-site request. The browser says so (`Sec-Fetch-Site`, `Origin`) and hides the answer from the
//   page, but the request was served: a POST that takes money has taken it.
// * The page's own name is made to point at 127.0.0.1 (DNS rebinding). To the browser nothing is cross-site then, and
//   the page reads the answers. But `Host` still has the page's name.
//
// So a cross-site request is refused unless the site is configured, and on loopback only hosts that no name server can
// assign are answered: addresses, `localhost`, and configured ones. Programs other than browsers send neither of the
// two headers, and any host. Servers not on loopback have names they do not know, so their hosts are checked only if
// some are configured.

/// Decides which requests that a browser may have been tricked into sending are answered. Checking allocates nothing.
package struct BrowserRules: Sendable {
  private let checksHosts: Bool
  private let hosts: [[UInt8]]
  private let origins: [[UInt8]]

  package static let hostsMax = 64
  package static let originsMax = 64

  /// - Parameters:
  ///   - isLoopback: whether only this machine reaches the port.
  ///   - hosts: names without ports that requests may use besides addresses and `localhost`.
  ///   - origins: sites whose pages may send requests: `https://shop.example`.
  package init(isLoopback: Bool = false, hosts: [String] = [], origins: [String] = []) {
    checksHosts = isLoopback || !hosts.isEmpty
    self.hosts = (hosts + ["localhost"]).map { $0.utf8.map(Self.lower) }
    self.origins = origins.map { $0.utf8.map(Self.lower) }
  }

  package enum Verdict: Hashable, Sendable {
    case good
    /// It comes from a page of a configured site: the answer must say that the page may read it.
    case goodAcrossSites
    case unknownHost
    case crossSite
  }

  /// How to treat a request with these headers; empty ones are absent.
  package func verdict(
    host: UnsafeBufferPointer<UInt8>, origin: UnsafeBufferPointer<UInt8>, fetchSite: UnsafeBufferPointer<UInt8>
  ) -> Verdict {
    if checksHosts, !host.isEmpty, !isKnown(host: host) { return .unknownHost }
    // Almost all requests: not from a browser.
    if origin.isEmpty, fetchSite.isEmpty { return .good }
    if !origin.isEmpty, origins.contains(where: { Self.isSame($0, origin) }) { return .goodAcrossSites }
    // Pages cannot set this header, so the browser can be trusted.
    if Self.isSame("same-origin", fetchSite) || Self.isSame("none", fetchSite) { return .good }
    if Self.isSame("cross-site", fetchSite) { return .crossSite }
    return origin.isEmpty || isOwn(origin, host) ? .good : .crossSite
  }

  /// Whether an origin is the host's own: the same name and port after its scheme.
  private func isOwn(_ origin: UnsafeBufferPointer<UInt8>, _ host: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let slash = origin.lastIndex(of: UInt8(ascii: "/")) else { return false }
    return !host.isEmpty && origin[(slash + 1)...].elementsEqual(host) { Self.lower($0) == Self.lower($1) }
  }

  private func isKnown(host: UnsafeBufferPointer<UInt8>) -> Bool {
    // An IPv6 address.
    if host.first == UInt8(ascii: "[") { return true }
    var name = host[...]
    if let colon = name.lastIndex(of: UInt8(ascii: ":")) { name = name[..<colon] }
    if name.last == UInt8(ascii: ".") { name.removeLast() }
    return Self.isAddress(name) || hosts.contains { Self.isSame($0, UnsafeBufferPointer(rebasing: name)) }
  }

  /// Four numbers of up to three digits.
  private static func isAddress(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var digits = 0
    var dots = 0
    for byte in name {
      if byte == UInt8(ascii: "."), digits > 0 {
        dots += 1
        digits = 0
      } else if byte &- UInt8(ascii: "0") < 10, digits < 3 {
        digits += 1
      } else {
        return false
      }
    }
    return dots == 3 && digits > 0
  }

  private static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  private static func isSame(_ known: [UInt8], _ given: UnsafeBufferPointer<UInt8>) -> Bool {
    known.count == given.count && known.elementsEqual(given) { $0 == lower($1) }
  }

  private static func isSame(_ known: StaticString, _ given: UnsafeBufferPointer<UInt8>) -> Bool {
    guard known.utf8CodeUnitCount == given.count else { return false }
    for place in 0..<given.count where known.utf8Start[place] != lower(given[place]) { return false }
    return true
  }

  // MARK: Settings

  /// Whether a text is a host's name or address without a port.
  package static func isHost(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count) && text.utf8.allSatisfy(isOfHost)
  }

  /// Whether a text is an origin as browsers write it: `https://shop.example`, `http://localhost:3000`.
  package static func isOrigin(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1].isEmpty, parts[0] == "https:" || parts[0] == "http:" else { return false }
    let authority = parts[2].split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(authority.count), isHost(String(authority[0])) else { return false }
    return authority.count == 1 || UInt16(authority[1]).map { $0 > 0 } ?? false
  }

  private static func isOfHost(_ byte: UInt8) -> Bool {
    let small = lower(byte)
    return small &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10 || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
  }
}
