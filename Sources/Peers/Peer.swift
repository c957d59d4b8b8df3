import Glibc
import Lanes
import Synchronization

/// Another pod, to whom frames are sent. From any thread.
public final class Peer: Sendable {
  public let address: PeerAddress
  /// Counts the streams of this run; the peer's numbers begin anew with each.
  let stream: UInt64
  let content: Guarded<Content>
  private let limits: PeerLimits
  private let figures: PeerFigures
  private let wake: @Sendable (Peer) -> Void
  /// Spares all but the first sender of a burst the wake-up.
  let isWoken = Atomic<Bool>(false)

  struct Content: Sendable {
    var stream = OutboundStream()
    var state = PeerState.connecting
    var isForgotten = false
  }

  init(
    _ address: PeerAddress, stream: UInt64, _ limits: PeerLimits, _ figures: PeerFigures,
    wake: @escaping @Sendable (Peer) -> Void
  ) {
    self.address = address
    self.stream = stream
    self.limits = limits
    self.figures = figures
    self.wake = wake
    content = Guarded(Content())
  }

  /// Queues a frame: it arrives once, in order with the others of this pod to that peer, unless one of the two ends.
  ///
  /// - Parameters:
  ///   - frame: any bytes, best many messages at once; at most `frameBytesMax`.
  ///   - kind: handed to the reader as it is.
  ///   - reader: which of the peer's readers gets it; taken modulo their number.
  public func send(_ frame: [UInt8], kind: UInt8, reader: UInt16 = 0) -> SendResult {
    guard frame.count <= limits.frameBytesMax else { return .tooLarge }
    var outgoing = OutgoingFrame(reader: reader, kind: kind, bytes: frame)
    outgoing.queuedAt = Self.now
    let result: SendResult = content.withLock { content in
      if content.isForgotten { return .unknownPeer }
      return content.stream.add(outgoing, limits) ? .accepted : .full
    }
    switch result {
    case .accepted:
      if !isWoken.exchange(true, ordering: .acquiringAndReleasing) { wake(self) }
    case .full: figures.add(to: .refusedFrames)
    default: break
    }
    return result
  }

  /// The number of the newest frame that was accepted; frames count from 1.
  public var newestFrame: UInt64 { content.withLock { $0.stream.newest } }

  /// Whether the peer has acknowledged all frames up to a number, has had `milliseconds` for it, or is known no more.
  public func hasAcknowledged(_ number: UInt64, within milliseconds: UInt64) -> Bool {
    let (isDone, queuedAt) = content.withLock {
      ($0.isForgotten || $0.stream.first > number, $0.stream.queuedAt(number))
    }
    // What is not kept was acknowledged, or ended with an older stream to the same pod.
    guard !isDone, let queuedAt else { return true }
    return Self.now &- queuedAt >= milliseconds
  }

  private static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
  }

  public var status: PeerStatus {
    content.withLock {
      PeerStatus(
        name: address.name, state: $0.state, queuedFrames: $0.stream.count, queuedBytes: $0.stream.queuedBytes)
    }
  }
}
