import CZeroMQ
import Lanes
import Synchronization

/// What a mesh has on its lane: the sockets and their watches, the links, the tick.
final class MeshLoop {
  let lane: Lane
  let options: PeerOptions
  let figures: PeerFigures
  let context: ZeroMQContext
  let readers: [Mailbox<PeerFrame>]
  private(set) weak var mesh: PeerMesh?
  private var admission: Admission?
  private var monitor: HandshakeMonitor?
  private(set) var receivers: ReceiverLinks?
  private var senders: [String: SenderLink] = [:]
  private var timer: LaneTimer?

  init(_ lane: Lane, _ options: PeerOptions, _ figures: PeerFigures, _ readers: [Mailbox<PeerFrame>])
    throws(PeerFailure)
  {
    self.lane = lane
    self.options = options
    self.figures = figures
    self.readers = readers
    context = try ZeroMQContext()
  }

  func open() throws(PeerFailure) -> ReceiverLinks {
    if let keys = options.keys { admission = try Admission(lane, context, keys.trusted, figures) }
    do throws(PeerFailure) {
      let receivers = try ReceiverLinks(self)
      self.receivers = receivers
      return receivers
    } catch {
      close()
      throw error
    }
  }

  func belong(to mesh: PeerMesh) {
    self.mesh = mesh
    timer = lane.every(milliseconds: options.limits.tickMilliseconds) { [weak mesh] in mesh?.loop.tick() }
  }

  func close() {
    timer?.cancel()
    timer = nil
    for link in senders.values { link.close() }
    senders = [:]
    receivers?.close()
    receivers = nil
    monitor?.close()
    monitor = nil
    admission?.close()
    admission = nil
  }

  /// What both kinds of socket keep to.
  func setBounds(of socket: ZeroMQSocket) throws(PeerFailure) {
    let limits = options.limits
    let packetBytesMax = max(limits.packetBytesMax, limits.frameBytesMax + 64)
    try socket.set(ZMQ_MAXMSGSIZE, long: Int64(packetBytesMax))
    try socket.set(ZMQ_SNDHWM, Int32(clamping: limits.packetsInTransitMax))
    try socket.set(ZMQ_RCVHWM, Int32(clamping: limits.packetsInTransitMax))
    try socket.set(ZMQ_HANDSHAKE_IVL, limits.handshakeMilliseconds)
    try socket.set(ZMQ_HEARTBEAT_IVL, Int32(clamping: limits.idleMilliseconds))
    try socket.set(ZMQ_HEARTBEAT_TIMEOUT, Int32(clamping: limits.silentMilliseconds))
    try socket.set(ZMQ_IPV6, 1)
  }

  func watchHandshakes(of router: ZeroMQSocket) throws(PeerFailure) {
    monitor = try HandshakeMonitor(lane, context, of: router, figures)
  }

  /// Opens links to peers that are new, and closes those to peers that are not wanted any more.
  func follow(_ peers: [String: Peer]) {
    for (name, link) in senders where peers[name] !== link.peer {
      link.close()
      senders[name] = nil
    }
    for (name, peer) in peers where senders[name] == nil {
      // Fails when the system is out of descriptors; the tick tries again.
      senders[name] = try? SenderLink(peer, self)
    }
  }

  /// Sends what was queued for a peer.
  func pump(_ peer: Peer) {
    peer.isWoken.store(false, ordering: .sequentiallyConsistent)
    if let link = senders[peer.address.name], link.peer === peer { link.service() }
  }

  func replaced() { mesh?.wasReplaced() }

  private func tick() {
    guard let mesh, receivers != nil else { return }
    follow(mesh.peers)
    let now = lane.now
    for link in senders.values {
      link.peer.isWoken.store(false, ordering: .sequentiallyConsistent)
      link.tick(now)
    }
    receivers?.tick(now)
  }
}
