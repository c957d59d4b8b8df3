import Lanes
import Model
import Synchronization

@testable import PartitionRuntime

/// The network between pods, in memory.
final class MemoryPeers: Sendable {
  private let pods = Mutex<[UInt64: [Mailbox<PeerDelivery>]]>([:])

  func connect(_ incarnation: UInt64, lanes: [Lane]) -> MemoryPeerPort {
    let boxes = lanes.map { Mailbox<PeerDelivery>($0, messagesMax: 10_000) }
    pods.withLock { $0[incarnation] = boxes }
    return MemoryPeerPort(self, incarnation, boxes)
  }

  func disconnect(_ incarnation: UInt64) { pods.withLock { $0[incarnation] = nil } }

  /// From now on nothing that was sent counts as arrived.
  func holdArrivals(_ isHeld: Bool) { arrivalsAreHeld.store(isHeld, ordering: .sequentiallyConsistent) }
  fileprivate let arrivalsAreHeld = Atomic<Bool>(false)

  fileprivate func send(_ messages: [PeerMessage], from sender: UInt64, to incarnation: UInt64, lane: UInt16) -> Bool {
    guard let boxes = pods.withLock({ $0[incarnation] }) else { return false }
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

  func mark() -> PeerMark { PeerMark(frames: [:]) }
  func hasArrived(_ mark: PeerMark) -> Bool { !network.arrivalsAreHeld.load(ordering: .sequentiallyConsistent) }

  func take(lane: UInt16) -> [PeerDelivery] { boxes[Int(lane)].takeAll() }
}
