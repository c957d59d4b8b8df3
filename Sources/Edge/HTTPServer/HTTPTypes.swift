/// The request methods that Kassa distinguishes.
public enum HTTPMethod: UInt8, Hashable, Sendable {
  case get, head, post, put, delete, patch, options
  /// Anything else.
  case other

  /// As it is written in a request.
  public var name: StaticString {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .delete: "DELETE"
    case .patch: "PATCH"
    case .options: "OPTIONS"
    case .other: "OTHER"
    }
  }
}

/// A request whose head and body have arrived. Valid only during `HTTPHandler.respond`; copy what you keep.
public struct HTTPRequest: ~Copyable {
  public let method: HTTPMethod
  /// The path as sent: not unescaped, without the query.
  public let path: UnsafeBufferPointer<UInt8>
  /// The part after `?`, as sent; empty without one.
  public let query: UnsafeBufferPointer<UInt8>
  /// How long the body was; at most `HTTPLimits.bodyBytesMax`. No route uses its bytes, so they are not kept.
  public let bodyByteCount: Int
  /// The headers; the server's requests read them in its buffer.
  private let head: RequestHead?
  private let lookUp: ((StaticString) -> (count: Int, value: String?))?

  /// A request that does not come over a connection.
  ///
  /// - Parameter lookUp: how often the head has a header (ignoring case), and its first value.
  public init(
    method: HTTPMethod, path: UnsafeBufferPointer<UInt8>, query: UnsafeBufferPointer<UInt8>,
    bodyByteCount: Int = 0, lookUp: @escaping (StaticString) -> (count: Int, value: String?)
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.bodyByteCount = bodyByteCount
    self.lookUp = lookUp
    head = nil
  }

  init(
    method: HTTPMethod, path: UnsafeBufferPointer<UInt8>, query: UnsafeBufferPointer<UInt8>,
    bodyByteCount: Int, head: RequestHead
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.bodyByteCount = bodyByteCount
    self.head = head
    lookUp = nil
  }

  /// The first value of a header, without surrounding blanks.
  public func header(_ name: StaticString) -> String? { head?.lookUp(name).value ?? lookUp?(name).value }

  /// How often the head has a header, and the bytes of its first value, valid only during `read`. Allocates nothing for
  /// a request that came over a connection.
  public func withHeader<Result>(
    _ name: StaticString, _ read: (_ count: Int, _ value: UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    if let head { return head.withField(name, read) }
    let (count, value) = lookUp?(name) ?? (0, nil)
    return Array((value ?? "").utf8).withUnsafeBufferPointer { read(count, $0) }
  }

  /// How often the head has a header.
  public func headerCount(_ name: StaticString) -> Int { head?.lookUp(name).count ?? lookUp?(name).count ?? 0 }
}

/// An answer. `Content-Length`, `Date` and `Connection` are the server's.
public struct HTTPResponse: Sendable {
  public var status: UInt16
  public var contentType: StaticString
  public var body: [UInt8]
  public var headers: [(name: StaticString, value: String)]
  /// Close the connection after this answer.
  public var closes: Bool
  /// The code of the problem in the body, for the access log.
  package var problemCode: String?

  public init(
    status: UInt16, contentType: StaticString = "application/json", body: [UInt8] = [],
    headers: [(name: StaticString, value: String)] = [], closes: Bool = false
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.headers = headers
    self.closes = closes
  }
}

/// Identifies one request of one server until it is answered; never used twice in a process.
public struct ExchangeID: Hashable, Sendable {
  public let number: UInt64
  public init(number: UInt64) { self.number = number }
}

/// Answers the requests of one lane's server. Lane-confined.
public protocol HTTPHandler: AnyObject {
  /// Answers immediately, or returns nil and answers later with `HTTPServer.answer`, on the same lane.
  func respond(to request: borrowing HTTPRequest, as exchange: ExchangeID) -> HTTPResponse?

  /// The client of an exchange that was not answered yet has left; an answer to it is ignored.
  func abandoned(_ exchange: ExchangeID)

  /// The body of a refusal that the server itself makes (400, 408, 413, 414, 431, 503 …), so that it looks like
  /// any other.
  func refusal(status: UInt16, detail: StaticString) -> HTTPResponse
}
