import Lanes
import Model
import Synchronization

@testable import PartitionRuntime

/// The network between pods, in memory.
final class MemoryPeers: Sendable {
  private let pods = Mutex<[UInt64: [Mailbox<PeerDelivery>]]>([:])
  /// When each message to a pod that is silent was sent.
  private let unheard = Mutex<[UInt64: [ContinuousClock.Instant]]>([:])

  func connect(_ incarnation: UInt64, lanes: [Lane]) -> MemoryPeerPort {
    let boxes = lanes.map { Mailbox<PeerDelivery>($0, messagesMax: 10_000) }
    pods.withLock { $0[incarnation] = boxes }
    return MemoryPeerPort(self, incarnation, boxes)
  }

  func disconnect(_ incarnation: UInt64) { pods.withLock { $0[incarnation] = nil } }

  /// A pod ends without a word: what it is sent is kept, and never arrives.
  func silence(_ incarnation: UInt64) {
    unheard.withLock { $0[incarnation] = [] }
    disconnect(incarnation)
  }

  fileprivate var mark: PeerMark { PeerMark(frames: unheard.withLock { $0.mapValues { UInt64($0.count) } }) }

  fileprivate func hasArrived(_ mark: PeerMark, within milliseconds: UInt64) -> Bool {
    unheard.withLock { unheard in
      mark.frames.allSatisfy { incarnation, number in
        guard number > 0, let times = unheard[incarnation] else { return true }
        return ContinuousClock.now - times[Int(number) - 1] >= .milliseconds(Int64(milliseconds))
      }
    }
  }

  /// From now on nothing that was sent counts as arrived.
  func holdArrivals(_ isHeld: Bool) { arrivalsAreHeld.store(isHeld, ordering: .sequentiallyConsistent) }
  fileprivate let arrivalsAreHeld = Atomic<Bool>(false)

  fileprivate func send(_ messages: [PeerMessage], from sender: UInt64, to incarnation: UInt64, lane: UInt16) -> Bool {
    guard let boxes = pods.withLock({ $0[incarnation] }) else {
      return unheard.withLock { unheard in
        unheard[incarnation]?.append(.now)
        return unheard[incarnation] != nil
      }
    }
    return boxes[Int(lane) % boxes.count].post(messages.map { PeerDelivery(incarnation: sender, message: $0) })
  }
}

final class MemoryPeerPort: PeerPort {
  private let network: MemoryPeers
  private let incarnation: UInt64
  private let boxes: [Mailbox<PeerDelivery>]

  init(_ network: MemoryPeers, _ incarnation: UInt64, _ boxes: [Mailbox<PeerDelivery>]) {
    self.network = network
    self.incarnation = incarnation
    self.boxes = boxes
  }

  func send(_ messages: [PeerMessage], to incarnation: UInt64, lane: UInt16) -> Bool {
    network.send(messages, from: self.incarnation, to: incarnation, lane: lane)
  }

  func mark() -> PeerMark { network.mark }
  func hasArrived(_ mark: PeerMark, within milliseconds: UInt64) -> Bool {
    !network.arrivalsAreHeld.load(ordering: .sequentiallyConsistent)
      && network.hasArrived(mark, within: milliseconds)
  }

  func take(lane: UInt16) -> [PeerDelivery] { boxes[Int(lane)].takeAll() }
}
