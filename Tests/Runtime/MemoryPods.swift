import Lanes
import PartitionCore
import Synchronization
import Testing
import Wire

@testable import Runtime

/// The ways between pods, in memory: what is sent goes through the bytes of the wire.
///
/// As between real pods, what a cut link holds back arrives once it is mended, in order; what asks for work and what
/// ends it have an order each, and nobody knows who ends without a word.
final class MemoryPods: Sendable {
  private struct Way: Hashable {
    let from: UInt64
    let to: UInt64
  }

  private struct Held {
    let lane: UInt16
    let deliveries: [MeshDelivery]
  }

  private struct State {
    var boxes: [UInt64: [Mailbox<MeshDelivery>]] = [:]
    /// What waits for a link to be mended.
    var held: [Way: [Held]] = [:]
    var full: Set<UInt64> = []
    var counts: [Way: Int] = [:]
    var watch: (@Sendable (_ from: UInt64, _ to: UInt64, MeshMessage) -> Void)?
  }

  private let state = Mutex(State())

  /// A run joins: it knows all others, and they know it.
  func connect(_ run: UInt64, lanes: [Lane]) -> MemoryPodPort {
    let boxes = lanes.map { Mailbox<MeshDelivery>($0, messagesMax: 100_000) }
    state.withLock { $0.boxes[run] = boxes }
    return MemoryPodPort(self, run, boxes)
  }

  // MARK: What a test may do

  /// A run is not known any more: what waits for it, or comes from it, is gone, and nothing is sent to it.
  func forget(_ run: UInt64) {
    state.withLock { state in
      state.boxes[run] = nil
      for way in state.held.keys where way.from == run || way.to == run { state.held[way] = nil }
    }
  }

  /// From now on nothing arrives between two runs, in either direction; what they send is taken and waits.
  func cut(_ one: UInt64, _ other: UInt64) {
    state.withLock { state in
      for way in Self.ways(one, other) where state.held[way] == nil { state.held[way] = [] }
    }
  }

  func mend(_ one: UInt64, _ other: UInt64) {
    state.withLock { state in
      for way in Self.ways(one, other) {
        for held in state.held.removeValue(forKey: way) ?? [] { Self.post(held, to: state.boxes[way.to]) }
      }
    }
  }

  /// Whether nothing more is taken for a run, as when too much waits for it.
  func refuse(_ run: UInt64, _ isRefused: Bool = true) {
    state.withLock { state in
      if isRefused { state.full.insert(run) } else { state.full.remove(run) }
    }
  }

  /// Messages that were taken from one run for another.
  func count(from: UInt64, to: UInt64) -> Int { state.withLock { $0.counts[Way(from: from, to: to)] ?? 0 } }

  /// All messages that were taken.
  var count: Int { state.withLock { $0.counts.values.reduce(0, +) } }

  /// Shows each message that is taken, on the sender's lane, under the lock of all ways: `body` must not send.
  func watch(_ body: @escaping @Sendable (_ from: UInt64, _ to: UInt64, MeshMessage) -> Void) {
    state.withLock { $0.watch = body }
  }

  // MARK: Sending

  fileprivate func send(_ messages: [MeshMessage], from sender: UInt64, to run: UInt64, lane: UInt16) -> Bool {
    guard sender != run else { return false }
    var decoded: [MeshMessage] = []
    do {
      for frame in MeshCodec.encode(messages, bytesMax: 256 << 10) {
        decoded += try frame.withUnsafeBytes { bytes in try MeshCodec.decode(bytes) }
      }
    } catch {
      Issue.record("\(sender) sends what cannot be read: \(error)")
      return false
    }
    let held = Held(lane: lane, deliveries: decoded.map { MeshDelivery(run: sender, message: $0) })
    let way = Way(from: sender, to: run)
    return state.withLock { state in
      guard let boxes = state.boxes[run], state.boxes[sender] != nil, !state.full.contains(run) else { return false }
      if state.held[way] != nil {
        state.held[way]?.append(held)
      } else if !Self.post(held, to: boxes) {
        return false
      }
      state.counts[way, default: 0] += messages.count
      if let watch = state.watch { for message in decoded { watch(sender, run, message) } }
      return true
    }
  }

  @discardableResult
  private static func post(_ held: Held, to boxes: [Mailbox<MeshDelivery>]?) -> Bool {
    guard let boxes, !boxes.isEmpty else { return false }
    return boxes[Int(held.lane) % boxes.count].post(held.deliveries)
  }

  private static func ways(_ one: UInt64, _ other: UInt64) -> [Way] {
    [Way(from: one, to: other), Way(from: other, to: one)]
  }
}

/// One run's way to the others.
final class MemoryPodPort: PodPort {
  private let pods: MemoryPods
  private let run: UInt64
  private let boxes: [Mailbox<MeshDelivery>]

  init(_ pods: MemoryPods, _ run: UInt64, _ boxes: [Mailbox<MeshDelivery>]) {
    self.pods = pods
    self.run = run
    self.boxes = boxes
  }

  func send(_ messages: [MeshMessage], to run: UInt64, lane: UInt16) -> Bool {
    pods.send(messages, from: self.run, to: run, lane: lane)
  }

  /// What ends work overtakes what asks for it, as it may between real pods.
  func take(lane: UInt16) -> [MeshDelivery] {
    let all = boxes[Int(lane)].takeAll()
    return all.filter { !$0.message.asksForWork } + all.filter(\.message.asksForWork)
  }
}
