/// Where Redis is and how to log in there, read from a URL:
///
///     redis://[[user]:password@]host[:6379][/database]
///     rediss://…                               the same over TLS
///     unix:[//[[user]:password@]]/path[?db=database]
///
/// User and password may be percent-encoded. The description leaves the password out.
public struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
  public enum Place: Hashable, Sendable {
    case tcp(host: String, port: UInt16, isEncrypted: Bool)
    case unixSocket(path: String)
  }

  /// Why a URL is refused; the text never repeats the password.
  public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  public static let urlBytesMax = 2_048
  public static let databaseMax = 65_535
  /// A unix socket's path with its NUL must fit into `sockaddr_un`.
  public static let socketPathBytesMax = 107

  public var place: Place
  public var user: String?
  public var password: String?
  public var database = 0

  public init(url: String) throws(Refusal) {
    guard url.utf8.count <= Self.urlBytesMax else { throw Refusal(description: "the Redis URL is too long") }
    guard let colon = url.firstIndex(of: ":") else { throw Self.unknownScheme }
    var rest = url[url.index(after: colon)...]
    let scheme = url[..<colon].lowercased()
    if rest.hasPrefix("//") { rest = rest.dropFirst(2) } else if scheme != "unix" { throw Self.unknownScheme }
    if let at = rest.lastIndex(of: "@") {
      try Self.logIn(rest[..<at], &user, &password)
      rest = rest[rest.index(after: at)...]
    }
    switch scheme {
    case "redis", "rediss":
      let slash = rest.firstIndex(of: "/") ?? rest.endIndex
      place = try Self.tcp(rest[..<slash], isEncrypted: scheme == "rediss")
      let name = rest[slash...].dropFirst()
      if !name.isEmpty { database = try Self.database(name) }
    case "unix":
      let query = rest.firstIndex(of: "?") ?? rest.endIndex
      let path = String(rest[..<query])
      guard path.hasPrefix("/"), !path.utf8.contains(0), path.utf8.count <= Self.socketPathBytesMax else {
        throw Refusal(description: "a Redis socket needs an absolute path of at most \(Self.socketPathBytesMax) bytes")
      }
      place = .unixSocket(path: path)
      if query < rest.endIndex {
        guard rest[query...].hasPrefix("?db=") else { throw Refusal(description: "only ?db= may follow the path") }
        database = try Self.database(rest[query...].dropFirst(4))
      }
    default: throw Self.unknownScheme
    }
  }

  public var description: String {
    switch place {
    case .tcp(let host, let port, let isEncrypted):
      let shown = host.contains(":") ? "[\(host)]" : host
      return "\(isEncrypted ? "rediss" : "redis")://\(shown):\(port)/\(database)"
    case .unixSocket(let path): return "unix:\(path)?db=\(database)"
    }
  }

  private static let unknownScheme = Refusal(
    description: "the Redis URL must begin with redis://, rediss:// or unix:")

  private static func logIn(
    _ text: Substring, _ user: inout String?, _ password: inout String?
  ) throws(Refusal) {
    let colon = text.firstIndex(of: ":")
    let name = text[..<(colon ?? text.endIndex)]
    if !name.isEmpty { user = try decoded(name) }
    if let colon { password = try decoded(text[text.index(after: colon)...]) }
    guard user == nil || password != nil else { throw Refusal(description: "a Redis user needs a password") }
  }

  private static func tcp(_ text: Substring, isEncrypted: Bool) throws(Refusal) -> Place {
    let wrong = Refusal(description: "the Redis URL needs a host, and a port in 1…65535 if any")
    var host = text
    var port: Substring?
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw wrong }
      host = text[text.index(after: text.startIndex)..<end]
      let rest = text[text.index(after: end)...]
      if !rest.isEmpty {
        guard rest.hasPrefix(":") else { throw wrong }
        port = rest.dropFirst()
      }
    } else if let colon = text.lastIndex(of: ":") {
      host = text[..<colon]
      port = text[text.index(after: colon)...]
      guard !host.contains(":") else { throw wrong }
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { throw wrong }
    guard let number = port.map({ UInt16($0) }) ?? 6_379, number > 0 else { throw wrong }
    return .tcp(host: String(host), port: number, isEncrypted: isEncrypted)
  }

  private static func database(_ text: Substring) throws(Refusal) -> Int {
    guard let number = Int(text), (0...databaseMax).contains(number) else {
      throw Refusal(description: "the Redis database must be a number in 0…\(databaseMax)")
    }
    return number
  }

  private static func decoded(_ text: Substring) throws(Refusal) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
        throw Refusal(description: "the Redis URL has an invalid percent escape in its user or password")
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
