import Glibc

/// Where the server listens: `http://HOST:PORT`.
public struct ServerAddress: Sendable {
  /// The value of the `Host` header.
  public let authority: String
  public let port: UInt16
  /// A `sockaddr_in` or `sockaddr_in6`.
  let socketAddress: [UInt8]
  let family: Int32
  /// Whether the server runs on this machine, so that its CPU time can be read.
  public let isLoopback: Bool

  /// Parses a URL and resolves its host.
  /// - Throws: `LoadError` that names the URL and what is wrong with it.
  public init(url: String) throws(LoadError) {
    let scheme = "http://"
    guard url.hasPrefix(scheme) else {
      throw LoadError("the URL \"\(url)\" does not start with http:// (https is not supported)")
    }
    var rest = url.dropFirst(scheme.count)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.isEmpty, !rest.contains(where: { "/?#@ ".contains($0) }),
      rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw LoadError("the URL \"\(url)\" is not of the form http://HOST:PORT") }
    authority = String(rest)
    var host = rest
    var portText: Substring = "80"
    if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
      host = rest[..<colon]
      portText = rest[rest.index(after: colon)...]
    }
    guard let port = UInt16(portText), port > 0 else {
      throw LoadError("the URL \"\(url)\" has no port of 1–65535")
    }
    self.port = port
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }

    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(String(host), String(port), &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard code == 0, let first = found?.pointee, let address = first.ai_addr else {
      throw LoadError("the host of \"\(url)\" was not found: \(String(cString: gai_strerror(code)))")
    }
    let bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(first.ai_addrlen)))
    socketAddress = bytes
    family = first.ai_family
    isLoopback =
      family == AF_INET
      ? bytes.count > 4 && bytes[4] == 127
      : bytes.count >= 24 && bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] == 1
  }
}

/// Why a run was not possible, for whoever started it.
public struct LoadError: Error, CustomStringConvertible, Sendable {
  public let description: String
  public init(_ description: String) { self.description = description }
}
