import Glibc
import Synchronization

/// The listening sockets of a server, one per lane, all on one port (`SO_REUSEPORT`): the kernel spreads new
/// connections over the lanes, and lanes never pass them to each other.
///
/// They are bound before the lanes start, so that an unavailable address fails the start and not a lane.
public final class HTTPListener: Sendable {
  /// The actual port, even if any free one was requested.
  public let boundPort: UInt16
  private let sockets: Mutex<[Int32]>

  /// - Throws: `HTTPServerFailure`: unknown host, address in use, no permission, system.
  public init(_ endpoint: HTTPEndpoint, laneCount: Int, limits: HTTPLimits) throws(HTTPServerFailure) {
    try limits.check()
    var address = try HTTPListener.resolve(endpoint)
    var sockets: [Int32] = []
    do throws(HTTPServerFailure) {
      // Sockets that share their port from the start would not notice another process whose sockets do. So the first
      // one listens alone, which only one process can, and shares the port afterwards.
      for number in 0..<max(1, laneCount) {
        let bound = try HTTPListener.bind(&address, endpoint, isShared: number > 0)
        sockets.append(bound.socket)
        address.setPort(bound.port)
        guard listen(bound.socket, Int32(limits.acceptQueueConnectionsMax)) == 0 else {
          throw HTTPListener.failure(endpoint, errno)
        }
        if number == 0, laneCount > 1 { HTTPListener.set(bound.socket, SOL_SOCKET, SO_REUSEPORT, 1) }
      }
    } catch {
      for socket in sockets { close(socket) }
      throw error
    }
    boundPort = address.port
    self.sockets = Mutex(sockets)
  }

  deinit { sockets.withLock { for socket in $0 { close(socket) } } }

  /// The socket of one more lane, now owned by the caller; nil if all are taken.
  func take() -> Int32? { sockets.withLock { $0.popLast() } }

  // MARK: Sockets

  private struct Address {
    var storage = sockaddr_storage()
    var length: socklen_t = 0

    var isIPv6: Bool { storage.ss_family == sa_family_t(AF_INET6) }

    /// IPv4 and IPv6 have their port at the same place.
    mutating func setPort(_ port: UInt16) {
      withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self) }
    }

    var port: UInt16 {
      withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    }
  }

  /// An IPv4 address of the host if it has one, else an IPv6 address.
  private static func resolve(_ endpoint: HTTPEndpoint) throws(HTTPServerFailure) -> Address {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(endpoint.host, nil, &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    var best: Address?
    var next = found
    while let info = next?.pointee {
      next = info.ai_next
      guard let source = info.ai_addr, info.ai_family == AF_INET || info.ai_family == AF_INET6 else { continue }
      guard best == nil || (best?.isIPv6 == true && info.ai_family == AF_INET) else { continue }
      var address = Address()
      withUnsafeMutableBytes(of: &address.storage) {
        $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: Int(info.ai_addrlen)))
      }
      address.length = info.ai_addrlen
      address.setPort(endpoint.port)
      best = address
    }
    guard status == 0, let best else {
      let reason = status == 0 ? "no IP address" : String(cString: gai_strerror(status))
      throw HTTPServerFailure(.unknownHost, "cannot listen on \(endpoint): host \(endpoint.host): \(reason)")
    }
    return best
  }

  private static func bind(
    _ address: inout Address, _ endpoint: HTTPEndpoint, isShared: Bool
  ) throws(HTTPServerFailure) -> (socket: Int32, port: UInt16) {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let socket = Glibc.socket(Int32(address.storage.ss_family), kind, 0)
    guard socket >= 0 else { throw failure(endpoint, errno) }
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1)
    if isShared { set(socket, SOL_SOCKET, SO_REUSEPORT, 1) }
    // `::` also serves IPv4.
    if address.isIPv6 { set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    let length = address.length
    var bound = address
    var boundLength = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isBound = withUnsafeMutablePointer(to: &bound.storage) { storage in
      storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(socket, $0, length) == 0 && getsockname(socket, $0, &boundLength) == 0
      }
    }
    guard isBound else {
      let reason = errno
      close(socket)
      throw failure(endpoint, reason)
    }
    return (socket, bound.port)
  }

  private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func failure(_ endpoint: HTTPEndpoint, _ reason: Int32) -> HTTPServerFailure {
    let code: HTTPServerFailure.Code =
      switch reason {
      case EADDRINUSE: .addressInUse
      case EACCES, EPERM: .noPermission
      case EADDRNOTAVAIL: .unknownHost
      default: .system
      }
    let nextStep =
      switch code {
      case .addressInUse: "; end the process that listens there, or choose another port"
      case .noPermission: "; choose a port above 1023"
      case .unknownHost: "; this machine has no such address"
      default: ""
      }
    return HTTPServerFailure(code, "cannot listen on \(endpoint): \(String(cString: strerror(reason)))\(nextStep)")
  }
}
