import Synchronization

/// What a mesh has done; read from any thread.
public final class PeerFigures: Sendable {
  public enum Counter: Int, CaseIterable, Sendable {
    case framesSent, framesReceived
    case packetsSent, packetsReceived
    /// Frames that arrived a second time after a reconnect.
    case duplicateFrames
    /// Frames that `send` refused, because the peer's queue was full.
    case refusedFrames
    /// Introductions that were welcomed here; those that were refused.
    case welcomes, refusals
    /// Links that sent rubbish, or more than they may, or never read their answers, and were ended.
    case rubbishLinks
    /// Connections that ended before their hello: another protocol, TLS missing or unexpected, too slow.
    case failedHandshakes
    /// Connections without a certificate that can be trusted.
    case refusedCertificates
    /// Times that this pod's certificate files changed but could not be used.
    case failedReloads
    /// Late hellos, of a stream or dial that another has followed.
    case strayPackets
    /// Times that this pod's link to a peer began again.
    case reconnects
  }

  private let cells: [Cell]

  private final class Cell: Sendable {
    let value = Atomic<UInt64>(0)
  }

  init() { cells = Counter.allCases.map { _ in Cell() } }

  public subscript(counter: Counter) -> UInt64 { cells[counter.rawValue].value.load(ordering: .relaxed) }

  func add(_ count: Int = 1, to counter: Counter) {
    cells[counter.rawValue].value.wrappingAdd(UInt64(clamping: count), ordering: .relaxed)
  }
}
