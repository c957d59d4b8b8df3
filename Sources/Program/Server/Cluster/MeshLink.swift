import Lanes
import Model
import Ports
import PartitionCore
import Runtime
import Peers
import Synchronization
import Wire

/// The runtime's path to the other pods: its messages as frames of a `PeerMesh`.
///
/// The map of owners names runs of pods by their incarnation, the mesh names pods: `follow` links the two.
public final class MeshLink: PodPort {
  /// The kind of frames that this class sends and reads.
  static let frameKind: UInt8 = 2
  /// Messages of one turn to the same lane share frames of about this many bytes; a larger message has its own.
  static let frameBytesDue = 256 << 10

  private let mesh: PeerMesh
  /// By the incarnation of the run.
  private let runs = Guarded<[UInt64: Peer]>([:])
  private let scratch: [LaneConfined<Scratch>]
  private let undecodable = Atomic<UInt64>(0)
  private let oversized = Atomic<UInt64>(0)
  private let report: @Sendable (Trouble) -> Void

  /// What an operator should know about.
  enum Trouble: Hashable, Sendable {
    /// A frame that no version of Kassa known here writes.
    case undecodable(sender: PeerIdentity, reason: String)
    /// Nothing was sent, because a message does not fit into a frame.
    case tooLarge(receiver: PeerAddress, bytes: Int)
  }

  /// The memory that a lane takes frames into.
  private final class Scratch {
    var frames: [PeerFrame] = []
  }

  /// - Parameters:
  ///   - lanes: the mesh's readers, in order.
  ///   - report: called on a lane.
  init(_ mesh: PeerMesh, lanes: [Lane], report: @escaping @Sendable (Trouble) -> Void) {
    self.mesh = mesh
    self.report = report
    scratch = lanes.map { LaneConfined(Scratch(), lane: $0) }
  }

  /// Frames that could not be read.
  public var undecodableFrames: UInt64 { undecodable.load(ordering: .relaxed) }

  /// Calls of `send` that sent nothing, because a message fits into no frame.
  public var oversizedSends: UInt64 { oversized.load(ordering: .relaxed) }

  // MARK: Pods

  /// Keeps connections to exactly the pods that can be reached. From any thread.
  ///
  /// If there are more pods than peers allowed, it keeps the connected ones, then the newest: the others are
  /// mostly gone.
  ///
  /// - Returns: a sentence about each pod that cannot, and one about all of them if needed.
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

  // MARK: PodPort

  /// All messages are queued, or none: what asks for work and what ends it each have a queue and a credit.
  ///
  /// A message that fits into no frame is never sent, however often it is tried: it is reported the first time, the
  /// second, the fourth and so on.
  public func send(_ messages: [MeshMessage], to run: UInt64, lane: UInt16) -> Bool {
    guard let peer = runs.withLock({ $0[run] }) else { return false }
    let batches = PeerTraffic.allCases.map { traffic in
      (
        traffic: traffic,
        frames: MeshCodec.encode(messages, bytesMax: Self.frameBytesDue) { PeerTraffic(of: $0) == traffic }
      )
    }
    switch peer.send(batches, kind: Self.frameKind, reader: lane) {
    case .accepted: return true
    case .full, .unknownPeer: return false
    case .tooLarge:
      let times = oversized.add(1, ordering: .relaxed).newValue
      if times.nonzeroBitCount == 1 {
        let largest = batches.lazy.flatMap(\.frames).map(\.count).max() ?? 0
        report(.tooLarge(receiver: peer.address, bytes: largest))
      }
      return false
    }
  }

  public func take(lane: UInt16) -> [MeshDelivery] {
    guard scratch.indices.contains(Int(lane)) else { return [] }
    let scratch = scratch[Int(lane)].value
    mesh.takeFrames(reader: Int(lane), into: &scratch.frames)
    guard !scratch.frames.isEmpty else { return [] }
    var deliveries: [MeshDelivery] = []
    for frame in scratch.frames {
      for message in read(frame) {
        deliveries.append(MeshDelivery(run: frame.sender.incarnation, message: message))
      }
    }
    return deliveries
  }

  private func read(_ frame: PeerFrame) -> [MeshMessage] {
    do throws(WireError) {
      guard frame.kind == Self.frameKind else { throw WireError("it is of kind \(frame.kind)") }
      return try Self.decode(frame.bytes)
    } catch {
      undecodable.add(1, ordering: .relaxed)
      report(.undecodable(sender: frame.sender, reason: error.reason))
      return []
    }
  }

  private static func decode(_ bytes: [UInt8]) throws(WireError) -> [MeshMessage] {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(WireError) in try MeshCodec.decode(bytes) }
    }
    return try result.get()
  }
}

extension PeerTraffic {
  fileprivate init(of message: MeshMessage) { self = message.asksForWork ? .requests : .replies }
}

extension PeerAddress {
  init(_ pod: PodAnnouncement) { self.init(name: pod.name, host: pod.host, port: pod.port) }
}
