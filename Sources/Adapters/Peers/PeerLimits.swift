/// Every bound and time of the connections between pods.
public struct PeerLimits: Hashable, Sendable {
  /// Other pods known at a time; those that introduce themselves beyond this are refused.
  public var peersMax = 256
  /// Bytes of one frame.
  public var frameBytesMax = 1 << 20
  /// Frames of one peer that travel together, unless a single one is larger.
  public var packetBytesMax = 64 << 10
  /// What waits for one peer in each traffic, unsent or unacknowledged; `send` refuses more.
  public var queueBytesMax = 16 << 20
  public var queueFramesMax = 65_536
  /// What one peer may have delivered here in each traffic before a lane took it: its credit.
  public var windowBytes = 4 << 20
  /// What is encoded for one link but not yet taken by the system; more waits in the peer's queue.
  public var outputBytesMax = 256 << 10
  /// Bytes taken from one link at one wake-up, so that peers do not hog the lane.
  public var readBytesPerWakeUpMax = 256 << 10
  /// Links that have not introduced themselves; the oldest of them makes room for a new one.
  public var strangersMax = 64
  /// Connections taken at one wake-up.
  public var acceptsPerWakeUpMax = 32

  /// How often links are looked after.
  public var tickMilliseconds: UInt64 = 100
  /// A link on which nothing arrived for this long is asked for a sign of life.
  public var idleMilliseconds: UInt64 = 500
  /// A peer not heard from for this long counts as cut off; what is sent to it keeps waiting.
  public var silentMilliseconds: UInt64 = 2_000
  /// A peer not heard from for this long is forgotten here, with its numbers.
  public var forgetMilliseconds: UInt64 = 3_600_000
  /// The same if `peersMax` are known and another introduces itself.
  public var crowdedForgetMilliseconds: UInt64 = 60_000
  /// The wait before a pod dials again: after the first failure, doubled with each, and at most; up to half is cut
  /// off at random, so that pods that lost each other together do not come back together.
  public var redialMillisecondsMin: UInt64 = 20
  public var redialMillisecondsMax: UInt64 = 500
  /// From the dial, or the accepted connection, to the welcome: name, TCP, TLS, hello.
  public var handshakeMilliseconds: UInt64 = 2_000
  /// How long an acknowledgement may wait for more to acknowledge, while the sender has credit. The sender keeps what
  /// it sent until then; each is a packet and a wake-up, and each of many pods sends them to all others.
  public var acknowledgeMilliseconds: UInt64 = 500
  /// How often certificate files are checked, at most.
  public var certificateLookMilliseconds: UInt64 = 1_000

  /// What a frame costs besides its own bytes: the memory around it.
  public static let frameCostBytes = 64

  public init() {}

  /// The longest packet that a peer may send once it is welcome.
  var packetReadBytesMax: Int { max(packetBytesMax, frameBytesMax + 64) }

  /// What is wrong with these values; empty if they fit each other.
  public var complaints: [String] {
    var complaints: [String] = []
    if frameBytesMax < 1 || packetBytesMax < 1 || outputBytesMax < 1 || peersMax < 1 || strangersMax < 1
      || readBytesPerWakeUpMax < 1 || acceptsPerWakeUpMax < 1
    {
      complaints.append("bounds must be at least 1")
    }
    if frameBytesMax > 1 << 30 || packetBytesMax > 1 << 30 { complaints.append("a frame must stay below 1 GiB") }
    if frameBytesMax + Self.frameCostBytes > windowBytes { complaints.append("a frame must fit into windowBytes") }
    if frameBytesMax + Self.frameCostBytes > queueBytesMax { complaints.append("a frame must fit into queueBytesMax") }
    if tickMilliseconds < 1 || idleMilliseconds >= silentMilliseconds || silentMilliseconds > forgetMilliseconds {
      complaints.append("tick ≥ 1, idle < silent ≤ forget")
    }
    if redialMillisecondsMin < 1 || redialMillisecondsMin > redialMillisecondsMax {
      complaints.append("1 ≤ redialMillisecondsMin ≤ redialMillisecondsMax")
    }
    return complaints
  }
}
