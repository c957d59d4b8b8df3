import CMicroHTTPD
import Glibc
import Lanes

/// How many connections a server's lanes have, in total and by client address. Shared by the lanes.
///
/// At a bound a newcomer takes the place of the connection that has been idle for longest, of its own address if the
/// address's bound is reached. If none has been idle for `idleMillisecondsMin`, some more connections are admitted just
/// long enough to refuse them with an answer.
public final class ConnectionLedger: Sendable {
  private struct Counts {
    var total = 0
    var byAddress: [PeerAddress: Int] = [:]
    var surplus = 0
    var surplusByAddress: [PeerAddress: Int] = [:]
    var acceptedConnections: UInt64 = 0
    var refusedConnections: UInt64 = 0
    var displacedConnections: UInt64 = 0
  }

  private let connectionsMax: Int
  private let connectionsPerAddressMax: Int
  private let counts = Guarded(Counts())
  private let lanes = Guarded<[IdleConnections]>([])

  public init(limits: HTTPLimits) {
    connectionsMax = limits.connectionsMax
    connectionsPerAddressMax = limits.connectionsPerAddressMax
  }

  /// Connections beyond the bounds at the same time, over all lanes, and of one address: to be answered, or displaced
  /// and not yet closed.
  static let surplusMax = 256
  static let surplusPerAddressMax = 32
  /// How long a connection must have been idle to be displaced: a client in the middle of its work sends its next
  /// request sooner, and a crowd of newcomers must not close each other's connections before they are used.
  static let idleMillisecondsMin: UInt64 = 1_000

  /// Open connections of all lanes, not counting those to be refused.
  public var openConnections: Int { counts.withLock { $0.total } }

  /// Connections beyond a bound since the start, whether answered or just closed.
  public var refusedConnections: UInt64 { counts.withLock { $0.refusedConnections } }

  /// Connections within the bounds since the start.
  public var acceptedConnections: UInt64 { counts.withLock { $0.acceptedConnections } }

  /// Idle connections closed to make room for others since the start.
  public var displacedConnections: UInt64 { counts.withLock { $0.displacedConnections } }

  /// The idle connections of one more lane.
  func join() -> IdleConnections {
    let idle = IdleConnections()
    lanes.withLock { $0.append(idle) }
    return idle
  }

  enum Admission: Equatable {
    case welcome
    /// Its first request is to be refused, and the connection closed.
    case surplus(Bound)
    /// To be closed immediately.
    case turnedAway
  }

  enum Bound: Equatable {
    case total
    case perAddress
  }

  /// Counts a new connection, or refuses it.
  /// - Parameter now: by the lane's clock.
  func admit(_ address: PeerAddress, at now: UInt64) -> Admission {
    let admission = count(address)
    guard case .surplus(let bound) = admission, now >= Self.idleMillisecondsMin,
      let displaced = displace(
        of: bound == .perAddress ? address : nil, idleSince: now - Self.idleMillisecondsMin)
    else { return admission }
    counts.withLock { counts in
      Self.add(-1, of: displaced, to: &counts.byAddress)
      Self.add(1, of: address, to: &counts.byAddress)
      Self.add(-1, of: address, to: &counts.surplusByAddress)
      Self.add(1, of: displaced, to: &counts.surplusByAddress)
      counts.refusedConnections &-= 1
      counts.acceptedConnections &+= 1
      counts.displacedConnections &+= 1
    }
    return .welcome
  }

  /// Closes the connection that has been idle for longest in all lanes, and returns its address; nil if none has been
  /// since `latest`.
  private func displace(of address: PeerAddress?, idleSince latest: UInt64) -> PeerAddress? {
    let idle = lanes.withLock { $0 }.compactMap { lane in lane.longestIdle(of: address).map { (lane, since: $0) } }
    for (lane, _) in idle.sorted(by: { $0.since < $1.since }) {
      if let displaced = lane.displace(of: address, idleSince: latest) { return displaced }
    }
    return nil
  }

  private func count(_ address: PeerAddress) -> Admission {
    counts.withLock { counts in
      let ofAddress = counts.byAddress[address, default: 0]
      if counts.total < connectionsMax, ofAddress < connectionsPerAddressMax {
        counts.total += 1
        counts.acceptedConnections &+= 1
        counts.byAddress[address] = ofAddress + 1
        return .welcome
      }
      counts.refusedConnections &+= 1
      let surplusOfAddress = counts.surplusByAddress[address, default: 0]
      guard counts.surplus < Self.surplusMax, surplusOfAddress < Self.surplusPerAddressMax else { return .turnedAway }
      counts.surplus += 1
      counts.surplusByAddress[address] = surplusOfAddress + 1
      return .surplus(ofAddress >= connectionsPerAddressMax ? .perAddress : .total)
    }
  }

  func leave(_ address: PeerAddress, isSurplus: Bool) {
    counts.withLock { counts in
      if isSurplus {
        counts.surplus -= 1
        Self.add(-1, of: address, to: &counts.surplusByAddress)
      } else {
        counts.total -= 1
        Self.add(-1, of: address, to: &counts.byAddress)
      }
    }
  }

  /// A count may be negative for a moment: a displaced connection may leave before it is counted as surplus.
  private static func add(_ change: Int, of address: PeerAddress, to counts: inout [PeerAddress: Int]) {
    let count = counts[address, default: 0] + change
    counts[address] = count == 0 ? nil : count
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
