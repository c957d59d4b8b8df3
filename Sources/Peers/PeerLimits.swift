/// Every bound and time of the connections between pods.
public struct PeerLimits: Hashable, Sendable {
  /// Other pods that are known at a time; those that introduce themselves beyond it are refused.
  public var peersMax = 256
  /// Bytes of one frame.
  public var frameBytesMax = 1 << 20
  /// Frames of one peer that travel together, unless a single one is larger.
  public var packetBytesMax = 64 << 10
  /// What waits for one peer, unsent or not acknowledged; `send` refuses more.
  public var queueBytesMax = 16 << 20
  public var queueFramesMax = 65_536
  /// What one peer may have delivered here before a lane took it: its credit.
  public var windowBytes = 4 << 20
  /// Packets in ZeroMQ's own queues, each way and for each peer.
  public var packetsInTransitMax = 64
  /// Packets taken at one wake-up, so that peers do not keep the lane.
  public var packetsPerTurnMax = 256
  /// Links that sent rubbish and are ignored from then on.
  public var ignoredLinksMax = 1_024

  /// How often links are looked after.
  public var tickMilliseconds: UInt64 = 100
  /// A link on which nothing came for so long is asked for a sign of life.
  public var idleMilliseconds: UInt64 = 500
  /// A peer that was not heard of for so long counts as cut off; what it is sent goes on to wait.
  public var silentMilliseconds: UInt64 = 2_000
  /// A peer that was not heard of for so long is forgotten here, with its numbers.
  public var forgetMilliseconds: UInt64 = 3_600_000
  /// ZeroMQ's wait before it connects again: the first time, and at most.
  public var reconnectMillisecondsMin: Int32 = 20
  public var reconnectMillisecondsMax: Int32 = 500
  /// ZeroMQ's time for its own handshake with a connection.
  public var handshakeMilliseconds: Int32 = 2_000

  /// What a frame costs beside its own bytes: the memory around it.
  public static let frameCostBytes = 64

  public init() {}

  /// What is wrong with these values; empty when they fit each other.
  public var complaints: [String] {
    var complaints: [String] = []
    if frameBytesMax < 1 || packetBytesMax < 1 || packetsInTransitMax < 1 || packetsPerTurnMax < 1 || peersMax < 1 {
      complaints.append("bounds must be at least 1")
    }
    if frameBytesMax > 1 << 30 || packetBytesMax > 1 << 30 { complaints.append("a frame must stay below 1 GiB") }
    if frameBytesMax + Self.frameCostBytes > windowBytes { complaints.append("a frame must fit into windowBytes") }
    if frameBytesMax + Self.frameCostBytes > queueBytesMax { complaints.append("a frame must fit into queueBytesMax") }
    if tickMilliseconds < 1 || idleMilliseconds >= silentMilliseconds || silentMilliseconds > forgetMilliseconds {
      complaints.append("tick ≥ 1, idle < silent ≤ forget")
    }
    return complaints
  }
}
