import Foundation
import Lanes
import Synchronization
import TestSupport

@testable import Peers

/// A pod with a mesh and as many reading lanes as wanted, which note what comes.
final class Pod: Sendable {
  let name: String
  let mesh: PeerMesh
  let lanes: [Lane]
  private let received = Guarded<[(kind: UInt8, reader: Int, sender: PeerIdentity, bytes: [UInt8])]>([])
  private let isReading = Atomic<Bool>(true)

  init(
    _ name: String, incarnation: UInt64 = 1, cluster: String = "shop", port: UInt16 = 0, readers: Int = 1,
    certificates: PeerCertificates? = nil, host: String = "127.0.0.1", _ change: (inout PeerLimits) -> Void = { _ in },
    onFailedReload: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    self.name = name
    var options = PeerOptions(
      cluster: cluster, identity: PeerIdentity(name: name, incarnation: incarnation), host: host, port: port,
      certificates: certificates)
    options.onFailedReload = onFailedReload
    change(&options.limits)
    lanes = try (0..<readers).map { try Lane(index: $0) }
    mesh = try PeerMesh(lanes[0], readers: lanes, options)
    for (index, lane) in lanes.enumerated() {
      try lane.start { [self] in
        guard isReading.load(ordering: .relaxed) else { return false }
        var frames: [PeerFrame] = []
        mesh.takeFrames(reader: index, into: &frames)
        received.withLock { $0 += frames.map { ($0.kind, index, $0.sender, $0.bytes) } }
        return false
      }
    }
  }

  var address: PeerAddress { PeerAddress(name: name, host: "127.0.0.1", port: mesh.port) }
  var frames: [[UInt8]] { received.withLock { $0.map(\.bytes) } }
  var arrivals: [(kind: UInt8, reader: Int, sender: PeerIdentity, bytes: [UInt8])] { received.withLock { $0 } }
  var count: Int { received.withLock { $0.count } }

  subscript(counter: PeerFigures.Counter) -> UInt64 { mesh.figures[counter] }

  func state(of peer: String) -> PeerState? { mesh.statuses.first { $0.name == peer }?.state }

  func isConnected(to peer: String) -> Bool { eventually { state(of: peer) == .connected } }

  /// Sends a number; waits while there is no room.
  func send(_ number: Int, to peer: String) -> SendResult {
    var result = SendResult.full
    _ = eventually {
      result = mesh.send(Self.bytes(number), kind: 1, to: peer)
      return result != .full
    }
    return result
  }

  static func bytes(_ number: Int) -> [UInt8] { Array("\(number)".utf8) }

  func end() {
    let isClosed = Flag()
    lanes[0].post { [mesh] in
      mesh.close()
      isClosed.set()
    }
    _ = eventually { isClosed.isSet }
    for lane in lanes { lane.stop() }
    for lane in lanes { lane.join() }
  }

  /// Takes nothing that comes from now on, or all of it again.
  func read(_ isReading: Bool) {
    self.isReading.store(isReading, ordering: .relaxed)
    lanes[0].wake()
  }

  /// Keeps the first lane until `gate` is signalled.
  func hold(_ gate: DispatchSemaphore) { lanes[0].post { gate.wait() } }

  final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
  }
}
