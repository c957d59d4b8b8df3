import Lanes
import Model
import OwnershipMap
import PartitionRuntime
import Peers
import Synchronization
import Wire

/// The runtime's way to the other pods: its messages as frames of a `PeerMesh`.
///
/// The map of owners names runs of pods by their incarnation, the mesh names pods: `follow` holds the two together.
public final class MeshPort: PeerPort {
  /// What the frames are that this class sends and reads.
  static let frameKind: UInt8 = 1
  /// Messages of one turn to the same lane share frames of about so many bytes; a larger message has one of its own.
  static let frameBytesDue = 256 << 10

  private let mesh: PeerMesh
  /// By the incarnation of the run.
  private let runs = Guarded<[UInt64: Peer]>([:])
  private let scratch: [LaneConfined<Scratch>]
  private let undecodable = Atomic<UInt64>(0)
  private let report: @Sendable (_ sender: PeerIdentity, _ reason: String) -> Void

  /// The memory that a lane takes frames into.
  private final class Scratch {
    var frames: [PeerFrame] = []
  }

  /// - Parameters:
  ///   - lanes: the mesh's readers, in their order.
  ///   - report: told, on a lane, of a frame that no version of Kassa that is known here writes.
  init(
    _ mesh: PeerMesh, lanes: [Lane], report: @escaping @Sendable (_ sender: PeerIdentity, _ reason: String) -> Void
  ) {
    self.mesh = mesh
    self.report = report
    scratch = lanes.map { LaneConfined(Scratch(), lane: $0) }
  }

  /// Frames that could not be read.
  public var undecodableFrames: UInt64 { undecodable.load(ordering: .relaxed) }

  // MARK: Pods

  /// Keeps connections to the pods that can be reached, and to no others. From any thread.
  ///
  /// Of more pods than there may be peers it keeps those that are connected, and then the newest: the others will
  /// mostly be gone.
  ///
  /// - Returns: a sentence about each pod that cannot, and where there is one about all of them.
  func follow(_ pods: [PodAnnouncement]) -> [String] {
    var complaints: [String] = []
    var addresses: [(incarnation: UInt64, address: PeerAddress)] = []
    for pod in pods {
      let address = PeerAddress(pod)
      if let failure = mesh.refusal(of: address) {
        complaints.append("pod \(pod.name): \(failure.message)")
      } else {
        addresses.append((pod.incarnation, address))
      }
    }
    if addresses.count > mesh.peersMax {
      complaints.append("there are \(addresses.count) other pods, and at most \(mesh.peersMax) are followed")
      let connected = Set(mesh.statuses.filter { $0.state == .connected }.map(\.name))
      addresses.sort { a, b in
        let (isA, isB) = (connected.contains(a.address.name), connected.contains(b.address.name))
        return isA == isB ? a.incarnation > b.incarnation : isA
      }
      addresses.removeLast(addresses.count - mesh.peersMax)
    }
    do {
      try mesh.follow(addresses.map(\.address))
    } catch {
      return complaints + [error.message]
    }
    var runs: [UInt64: Peer] = [:]
    for (incarnation, address) in addresses { runs[incarnation] = mesh.peer(address.name) }
    self.runs.withLock { $0 = runs }
    return complaints
  }

  // MARK: PeerPort

  /// All messages are queued, or none: requests and replies have a queue and a credit each, in order among themselves.
  public func send(_ messages: [PeerMessage], to incarnation: UInt64, lane: UInt16) -> Bool {
    guard let peer = runs.withLock({ $0[incarnation] }) else { return false }
    let batches: [(traffic: PeerTraffic, frames: [[UInt8]])] = PeerTraffic.allCases.map { traffic in
      let part = messages.filter { PeerTraffic(of: $0) == traffic }
      return (traffic, part.isEmpty ? [] : PeerCodec.encode(part[...], bytesMax: Self.frameBytesDue))
    }
    return peer.send(batches, kind: Self.frameKind, reader: lane) == .accepted
  }

  /// Of replies: nothing waits for the arrival of a question.
  public func mark() -> PeerMark { PeerMark(frames: runs.withLock { $0 }.mapValues { $0.newestFrame(.replies) }) }

  /// A pod that is not followed any more is gone.
  public func hasArrived(_ mark: PeerMark, within milliseconds: UInt64) -> Bool {
    let runs = runs.withLock { $0 }
    return mark.frames.allSatisfy { incarnation, number in
      runs[incarnation]?.hasAcknowledged(number, .replies, within: milliseconds) ?? true
    }
  }

  public func take(lane: UInt16) -> [PeerDelivery] {
    guard scratch.indices.contains(Int(lane)) else { return [] }
    let scratch = scratch[Int(lane)].value
    mesh.takeFrames(reader: Int(lane), into: &scratch.frames)
    guard !scratch.frames.isEmpty else { return [] }
    var deliveries: [PeerDelivery] = []
    for frame in scratch.frames {
      for message in read(frame) {
        deliveries.append(PeerDelivery(incarnation: frame.sender.incarnation, message: message))
      }
    }
    return deliveries
  }

  private func read(_ frame: PeerFrame) -> [PeerMessage] {
    do throws(WireError) {
      guard frame.kind == Self.frameKind else { throw WireError("it is of kind \(frame.kind)") }
      return try Self.decode(frame.bytes)
    } catch {
      undecodable.add(1, ordering: .relaxed)
      report(frame.sender, error.reason)
      return []
    }
  }

  private static func decode(_ bytes: [UInt8]) throws(WireError) -> [PeerMessage] {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(WireError) in try PeerCodec.decode(bytes) }
    }
    return try result.get()
  }
}

extension PeerAddress {
  init(_ pod: PodAnnouncement) { self.init(name: pod.name, host: pod.host, port: pod.port) }
}

extension PeerTraffic {
  /// What asks for work waits apart from what ends it.
  init(of message: PeerMessage) {
    switch message {
    case .ask: self = .requests
    case .outcome, .view, .notMine, .refused: self = .replies
    }
  }
}
