import CUV
import Glibc

/// A numeric address with a port, as the system takes it.
public struct SocketAddress {
  private let bytes: [UInt8]
  public let family: Int32

  /// nil if the host is a name, or no address at all. Asks no resolver.
  public init?(_ host: String, _ port: UInt16) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    // `*` stands for every address of both families.
    guard getaddrinfo(host == "*" ? "::" : host, String(port), &hints, &found) == 0, let info = found else {
      return nil
    }
    defer { freeaddrinfo(info) }
    family = info.pointee.ai_family
    bytes = Array(UnsafeRawBufferPointer(start: info.pointee.ai_addr, count: Int(info.pointee.ai_addrlen)))
  }

  public func with(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    bytes.withUnsafeBytes { bytes in
      guard let address = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress else { return -1 }
      return body(address, socklen_t(bytes.count))
    }
  }
}

/// A descriptor of a socket; closed at its end, after all its watches.
public final class SocketDescriptor {
  public let number: Int32

  public init(_ number: Int32) { self.number = number }

  deinit { close(number) }

  /// A TCP socket that never blocks; nil if the system has none left.
  public static func make(_ family: Int32) -> SocketDescriptor? {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(family, kind, 0)
    return number < 0 ? nil : SocketDescriptor(number)
  }

  /// Frames are put together here: the system need not wait for more of them.
  public func sendAtOnce() { set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

  public func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Sends as much as the system takes now.
  ///
  /// - Parameter start: how many of the bytes are gone already.
  /// - Returns: how many are gone now; nil if the connection has ended.
  public func send(_ bytes: [UInt8], from start: Int) -> Int? {
    var sent = start
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(number, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        sent += count
      } else if count < 0 && errno == EINTR {
        continue
      } else if count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) {
        break
      } else {
        return nil
      }
    }
    return sent
  }

  /// Why a connection could not be made; 0 if it was.
  public var failure: Int32 {
    var failure: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(number, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 ? failure : errno
  }

  /// A listening socket's port.
  public var port: UInt16 {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
    }
    // The port is at the same place in both families.
    return status == 0 ? UInt16(bigEndian: address.sin6_port) : 0
  }
}
