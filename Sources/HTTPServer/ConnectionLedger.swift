import CMicroHTTPD
import Glibc
import Lanes

/// How many connections the lanes of a server have, in all and by client address. Shared by the lanes.
public final class ConnectionLedger: Sendable {
  private struct Counts {
    var total = 0
    var byAddress: [PeerAddress: Int] = [:]
    var acceptedConnections: UInt64 = 0
    var refusedConnections: UInt64 = 0
  }

  private let connectionsMax: Int
  private let connectionsPerAddressMax: Int
  private let counts = Guarded(Counts())

  public init(limits: HTTPLimits) {
    connectionsMax = limits.connectionsMax
    connectionsPerAddressMax = limits.connectionsPerAddressMax
  }

  /// Open connections of all lanes.
  public var openConnections: Int { counts.withLock { $0.total } }

  /// Connections that were closed as soon as they were accepted, since the start.
  public var refusedConnections: UInt64 { counts.withLock { $0.refusedConnections } }

  /// Connections that were not, since the start.
  public var acceptedConnections: UInt64 { counts.withLock { $0.acceptedConnections } }

  /// Counts a new connection, or refuses it.
  func admit(_ address: PeerAddress) -> Bool {
    counts.withLock { counts in
      let ofAddress = counts.byAddress[address, default: 0]
      guard counts.total < connectionsMax, ofAddress < connectionsPerAddressMax else {
        counts.refusedConnections &+= 1
        return false
      }
      counts.total += 1
      counts.acceptedConnections &+= 1
      counts.byAddress[address] = ofAddress + 1
      return true
    }
  }

  func leave(_ address: PeerAddress) {
    counts.withLock { counts in
      counts.total -= 1
      guard let ofAddress = counts.byAddress[address] else { return }
      counts.byAddress[address] = ofAddress > 1 ? ofAddress - 1 : nil
    }
  }
}

/// A client's address without its port.
struct PeerAddress: Hashable, Sendable {
  private let high: UInt64
  private let low: UInt64

  /// IPv4 addresses count as their IPv6 form, so that both kinds of socket mean the same client.
  init(_ address: UnsafePointer<sockaddr>?) {
    var bytes = in6_addr()
    switch address?.pointee.sa_family {
    case sa_family_t(AF_INET6):
      address?.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { bytes = $0.pointee.sin6_addr }
    case sa_family_t(AF_INET):
      address?.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { source in
        withUnsafeMutableBytes(of: &bytes) { bytes in
          bytes[10] = 0xff
          bytes[11] = 0xff
          withUnsafeBytes(of: source.pointee.sin_addr) { bytes[12...].copyBytes(from: $0) }
        }
      }
    default: break
    }
    (high, low) = withUnsafeBytes(of: bytes) {
      ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
  }
}
