import Glibc
import Lanes
import Synchronization

/// Another pod, which frames are sent to. From any thread.
public final class Peer: Sendable {
  public let address: PeerAddress
  /// Counts the streams of this run; the peer's numbers start over with each.
  let stream: UInt64
  let content: Guarded<Content>
  private let limits: PeerLimits
  private let figures: PeerFigures
  private let wake: @Sendable (Peer) -> Void
  /// Spares all but the first sender of a burst the wake-up.
  let isWoken = Atomic<Bool>(false)

  struct Content: Sendable {
    var streams = PerTraffic(both: OutboundStream())
    var state = PeerState.connecting
    var isForgotten = false

    var queuedFrames: Int { PeerTraffic.allCases.reduce(0) { $0 + streams[$1].count } }
    var queuedBytes: Int { PeerTraffic.allCases.reduce(0) { $0 + streams[$1].queuedBytes } }

    /// A link is gone, or new: nothing is sent until its welcome.
    mutating func interrupt() { for traffic in PeerTraffic.allCases { streams[traffic].interrupt() } }

    /// Returns false for impossible numbers.
    mutating func welcome(_ welcome: Packet.Welcome) -> Bool {
      PeerTraffic.allCases.allSatisfy { streams[$0].welcome(welcome.positions[$0]) }
    }

    /// Returns false for impossible numbers.
    mutating func acknowledge(_ received: PerTraffic<Packet.Received>) -> Bool {
      PeerTraffic.allCases.allSatisfy {
        streams[$0].acknowledge(received[$0].number, credit: received[$0].credit)
      }
    }

    /// Appends what may go, replies first and then in turns, until `bytes` is as long as it should be.
    mutating func carry(into bytes: inout [UInt8], _ limits: PeerLimits) -> Int {
      var packets = 0
      var isAny = true
      while isAny {
        isAny = false
        for traffic in [PeerTraffic.replies, .requests] where bytes.count < limits.outputBytesMax {
          guard streams[traffic].appendPacket(of: traffic, to: &bytes, limits) else { continue }
          packets += 1
          isAny = true
        }
      }
      return packets
    }
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

  /// Queues a frame: it arrives once, in order with the others of this pod and traffic to that peer, unless one of the
  /// two ends.
  ///
  /// - Parameters:
  ///   - frame: any bytes, preferably many messages at once; at most `frameBytesMax`.
  ///   - kind: passed to the reader unchanged.
  ///   - reader: which of the peer's readers gets it; taken modulo their number.
  ///   - traffic: whose numbers, queue and credit it takes.
  public func send(
    _ frame: [UInt8], kind: UInt8, reader: UInt16 = 0, traffic: PeerTraffic = .requests
  ) -> SendResult {
    guard frame.count <= limits.frameBytesMax else { return .tooLarge }
    let outgoing = OutgoingFrame(reader: reader, kind: kind, bytes: frame)
    let result: SendResult = content.withLock { content in
      if content.isForgotten { return .unknownPeer }
      return content.streams[traffic].add(outgoing, limits) ? .accepted : .full
    }
    return noted(result, frames: 1)
  }

  /// Queues frames of several kinds of traffic: all of them or, if there is no room for one, none.
  public func send(
    _ batches: [(traffic: PeerTraffic, frames: [[UInt8]])], kind: UInt8, reader: UInt16 = 0
  ) -> SendResult {
    guard batches.allSatisfy({ $0.frames.allSatisfy { $0.count <= limits.frameBytesMax } }) else { return .tooLarge }
    let result: SendResult = content.withLock { content in
      if content.isForgotten { return .unknownPeer }
      for traffic in PeerTraffic.allCases {
        var (count, cost) = (0, 0)
        for batch in batches where batch.traffic == traffic {
          count += batch.frames.count
          for frame in batch.frames { cost += frame.count + PeerLimits.frameCostBytes }
        }
        guard content.streams[traffic].hasRoom(frames: count, cost: cost, limits) else { return .full }
      }
      for (traffic, frames) in batches {
        for frame in frames {
          _ = content.streams[traffic].add(OutgoingFrame(reader: reader, kind: kind, bytes: frame), limits)
        }
      }
      return .accepted
    }
    return noted(result, frames: batches.reduce(0) { $0 + $1.frames.count })
  }

  /// Wakes the lane for frames that were accepted, and counts those that were not.
  private func noted(_ result: SendResult, frames: Int) -> SendResult {
    switch result {
    case .accepted:
      if !isWoken.exchange(true, ordering: .acquiringAndReleasing) { wake(self) }
    case .full: figures.add(frames, to: .refusedFrames)
    default: break
    }
    return result
  }

  /// The number of the newest frame of a traffic that was accepted; frames count from 1.
  public func newestFrame(_ traffic: PeerTraffic = .replies) -> UInt64 {
    content.withLock { $0.streams[traffic].newest }
  }

  public var status: PeerStatus {
    content.withLock {
      PeerStatus(
        name: address.name, state: $0.state, queuedFrames: $0.queuedFrames, queuedBytes: $0.queuedBytes)
    }
  }
}
