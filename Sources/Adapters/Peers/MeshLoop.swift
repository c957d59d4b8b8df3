import Lanes
import Synchronization

/// What a mesh has on its lane: the listener, a dialler for each peer, the tick.
final class MeshLoop {
  let lane: Lane
  let options: PeerOptions
  let figures: PeerFigures
  let readers: [Mailbox<PeerFrame>]
  /// nil for plain TCP.
  let certificates: CertificateStore?
  private weak var mesh: PeerMesh?
  private(set) var listener: Listener?
  private var diallers: [String: Dialler] = [:]
  private var timer: LaneTimer?
  private var tickedAt: UInt64 = 0

  init(_ lane: Lane, _ options: PeerOptions, _ figures: PeerFigures, _ readers: [Mailbox<PeerFrame>])
    throws(PeerFailure)
  {
    self.lane = lane
    self.options = options
    self.figures = figures
    self.readers = readers
    if let files = options.certificates {
      certificates = try CertificateStore(
        files, lookMilliseconds: options.limits.certificateLookMilliseconds, at: lane.now
      ) { [figures, onFailedReload = options.onFailedReload] failure in
        figures.add(to: .failedReloads)
        onFailedReload(failure.message)
      }
    } else {
      certificates = nil
    }
  }

  /// Returns the port it listens on.
  func open() throws(PeerFailure) -> UInt16 {
    let listener = try Listener(self)
    self.listener = listener
    return listener.port
  }

  func belong(to mesh: PeerMesh) {
    self.mesh = mesh
    timer = lane.every(milliseconds: options.limits.tickMilliseconds) { [weak mesh] in mesh?.loop.tick() }
  }

  func close() {
    timer?.cancel()
    timer = nil
    for dialler in diallers.values { dialler.close() }
    diallers = [:]
    listener?.close()
    listener = nil
  }

  /// Dials new peers, and hangs up on those no longer wanted.
  func follow(_ peers: [String: Peer]) {
    guard listener != nil else { return }
    for (name, dialler) in diallers where peers[name] !== dialler.peer {
      dialler.close()
      diallers[name] = nil
    }
    for (name, peer) in peers where diallers[name] == nil { diallers[name] = Dialler(peer, self) }
  }

  /// Sends what was queued for a peer.
  func pump(_ peer: Peer) {
    peer.isWoken.store(false, ordering: .sequentiallyConsistent)
    if let dialler = diallers[peer.address.name], dialler.peer === peer { dialler.pump() }
  }

  /// A newer run of this pod exists.
  func yield() { mesh?.wasReplaced() }

  private func tick() {
    guard let mesh, listener != nil else { return }
    // What arrived while this lane was busy, or its process stopped, is read first: the silence may have been its
    // own.
    let isLate = lane.now &- tickedAt >= options.limits.tickMilliseconds + options.limits.idleMilliseconds
    tickedAt = lane.now
    certificates?.look(at: lane.now)
    follow(mesh.peers)
    for dialler in diallers.values {
      // Makes up for a wake-up that the lane had no room for.
      dialler.peer.isWoken.store(false, ordering: .sequentiallyConsistent)
      dialler.tick(isLate: isLate)
      dialler.pump()
    }
    if !isLate { listener?.tick() }
  }
}
