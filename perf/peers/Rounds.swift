import Glibc
import Lanes
import Peers
import Synchronization

/// Requests that a client keeps under way until enough were answered.
final class Rounds: Sendable {
  let inFlight: Int
  private let left: Atomic<Int>
  private let answers = Atomic<Int>(0)
  private let total: Int

  init(_ total: Int, inFlight: Int) {
    self.total = total
    self.inFlight = inFlight
    left = Atomic(total)
  }

  /// Whether another request should be sent.
  func takeRequest() -> Bool { left.subtract(1, ordering: .relaxed).newValue >= 0 }
  func answered() { answers.add(1, ordering: .releasing) }
  var isOver: Bool { answers.load(ordering: .acquiring) >= total }

  func wait() { while !isOver { poll(nil, 0, 1) } }
}

let request = [UInt8](repeating: 7, count: 200)

/// Both lanes, from the first request on.
func plainRounds(_ rounds: Rounds) throws {
  let lanes = try (0..<2).map { try Lane(index: $0) }
  let (client, server) = connectedPair()
  let asking = try PlainEnd(lanes[0], client) { _, end in
    rounds.answered()
    if rounds.takeRequest() { request.withUnsafeBytes { end.send($0) } }
  }
  let answering = try PlainEnd(lanes[1], server) { frame, end in end.send(frame) }
  for _ in 0..<rounds.inFlight where rounds.takeRequest() { request.withUnsafeBytes { asking.send($0) } }
  asking.flush()
  for lane in lanes { try lane.start { false } }
  rounds.wait()
  for lane in lanes {
    lane.stop()
    lane.join()
  }
  for descriptor in [client, server] { close(descriptor) }
  withExtendedLifetime((asking, answering)) {}
}

func meshRounds(_ rounds: Rounds, certificates: PeerCertificates?, measured: (() -> Void) -> Void) throws {
  let lanes = try (0..<2).map { try Lane(index: $0) }
  let meshes = try zip(lanes, ["a", "b"]).map { lane, name in
    try PeerMesh(
      lane, readers: [lane],
      PeerOptions(
        cluster: "bench", identity: PeerIdentity(name: name, incarnation: 1), host: "127.0.0.1", port: 0,
        certificates: certificates))
  }
  try meshes[0].follow([PeerAddress(name: "b", host: "127.0.0.1", port: meshes[1].port)])
  try meshes[1].follow([PeerAddress(name: "a", host: "127.0.0.1", port: meshes[0].port)])
  guard let b = meshes[0].peer("b"), let a = meshes[1].peer("a") else { return }
  try lanes[0].start { [mesh = meshes[0]] in
    var frames: [PeerFrame] = []
    mesh.takeFrames(into: &frames)
    for _ in frames {
      rounds.answered()
      if rounds.takeRequest() { precondition(b.send(request, kind: 1) == .accepted) }
    }
    return false
  }
  try lanes[1].start { [mesh = meshes[1]] in
    var frames: [PeerFrame] = []
    mesh.takeFrames(into: &frames)
    for frame in frames { precondition(a.send(frame.bytes, kind: 2) == .accepted) }
    return false
  }
  while meshes.contains(where: { $0.statuses.first?.state != .connected }) { poll(nil, 0, 1) }
  measured {
    for _ in 0..<rounds.inFlight where rounds.takeRequest() { precondition(b.send(request, kind: 1) == .accepted) }
    rounds.wait()
  }
  for (lane, mesh) in zip(lanes, meshes) {
    lane.post { mesh.close() }
    lane.stop()
    lane.join()
  }
}
