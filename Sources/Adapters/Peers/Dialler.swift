import Glibc
import Lanes

/// Keeps this pod's connection to one peer: carries out what its `OutgoingLink` decides. Lane-confined.
final class Dialler: LinkSocket.Owner {
  let peer: Peer
  private unowned let loop: MeshLoop
  private var link: OutgoingLink
  private var socket: LinkSocket?
  /// Counts dials, so that the answer to an older address lookup is ignored.
  private var dials: UInt64 = 0
  private var isClosed = false
  /// Runs while there is no connection, until the next dial.
  private var redial: LaneTimer?

  private var limits: PeerLimits { loop.options.limits }

  init(_ peer: Peer, _ loop: MeshLoop) {
    self.peer = peer
    self.loop = loop
    link = OutgoingLink(loop.options.limits, at: loop.lane.now, seed: UInt64.random(in: 0...UInt64.max))
    handle(.tick)
  }

  func close() {
    isClosed = true
    redial?.cancel()
    redial = nil
    hangUp()
  }

  func tick(isLate: Bool) { handle(isLate ? .lateTick : .tick) }

  /// Sends what waits, in one write.
  func pump() {
    guard link.phase == .open, let socket else { return }
    carry()
    socket.flush()
  }

  // MARK: Carrying out

  private func handle(_ event: OutgoingLink.Event) {
    guard !isClosed else { return }
    for action in link.step(event, at: loop.lane.now) { carryOut(action) }
    guard case .down(let until) = link.phase, redial == nil else { return }
    let now = loop.lane.now
    redial = loop.lane.after(milliseconds: until > now ? until - now : 0) { [weak self] in
      self?.redial = nil
      self?.handle(.tick)
    }
  }

  private func carryOut(_ action: OutgoingLink.Action) {
    switch action {
    case .dial: dial()
    case .introduce(let attempt): introduce(attempt)
    case .carry: pump()
    case .ping:
      socket?.write { $0 += Packet.ping }
      socket?.flush()
    case .hangUp: hangUp()
    case .show(let state): peer.content.withLock { $0.state = state }
    case .yield: loop.yield()
    case .count(let counter): loop.figures.add(to: counter)
    }
  }

  private func hangUp() {
    socket?.close()
    socket = nil
    peer.content.withLock { $0.interrupt() }
  }

  private func introduce(_ attempt: UInt64) {
    let firsts = peer.content.withLock { $0.streams.map(\.first) }
    let hello = Packet.Hello(
      cluster: loop.options.cluster, to: peer.address.name, from: loop.options.identity, stream: peer.stream,
      attempt: attempt, firsts: firsts)
    socket?.write { $0 += Packet.hello(hello) }
  }

  private func carry() {
    guard let socket, socket.backlogBytes < limits.outputBytesMax else { return }
    let packets = socket.write { bytes in peer.content.withLock { $0.carry(into: &bytes, limits) } }
    if packets > 0 { loop.figures.add(packets, to: .packetsSent) }
  }

  // MARK: Dialling

  private func dial() {
    dials &+= 1
    if let address = SocketAddress(peer.address.host, peer.address.port) { return connect(address) }
    // Each dial asks again: a pod that moved has another address.
    loop.lane.lookUp(peer.address.host) { [weak self, dials] hosts in
      guard let self, !isClosed, dials == self.dials else { return }
      // In turn if there are several.
      let host = hosts.isEmpty ? nil : hosts[Int(dials % UInt64(hosts.count))]
      guard let host, let address = SocketAddress(host, peer.address.port) else { return handle(.ended) }
      connect(address)
    }
  }

  private func connect(_ address: SocketAddress) {
    guard case .dialling = link.phase, socket == nil else { return }
    guard let descriptor = SocketDescriptor.make(address.family) else { return handle(.ended) }
    let status = address.with { Glibc.connect(descriptor.number, $0, $1) }
    guard status == 0 || errno == EINPROGRESS || errno == EINTR else { return handle(.ended) }
    var tls: TLSSession?
    if let store = loop.certificates {
      tls = TLSSession(isClient: true, store.current(at: loop.lane.now))
      guard tls != nil else { return handle(.ended) }
    }
    do throws(LaneFailure) {
      socket = try LinkSocket(loop.lane, descriptor, isConnecting: true, tls: tls, limits, owner: self)
    } catch {
      handle(.ended)
    }
  }

  // MARK: What the connection reports

  func socketReady(_ socket: LinkSocket) { handle(.connected) }

  func socketReceived(_ packet: UnsafeRawBufferPointer, _ socket: LinkSocket) {
    guard socket === self.socket else { return }
    handle(read(packet))
  }

  /// Replies and credit may have made room for more.
  func socketSettled(_ socket: LinkSocket) { if link.phase == .open { carry() } }

  func socketDrained(_ socket: LinkSocket) { pump() }

  func socketEnded(_ end: LinkSocket.End, _ socket: LinkSocket) {
    guard socket === self.socket else { return }
    switch end {
    case .ended: handle(.ended)
    case .tooLong: handle(.rubbish)
    case .distrusted:
      loop.figures.add(to: .refusedCertificates)
      handle(.ended)
    }
  }

  private func read(_ packet: UnsafeRawBufferPointer) -> OutgoingLink.Event {
    var cursor = ByteCursor(packet)
    switch Packet.head(&cursor) {
    case .kind(.welcome):
      guard link.phase != .open, let welcome = Packet.readWelcome(&cursor),
        peer.content.withLock({ $0.welcome(welcome) })
      else { return .rubbish }
      return .welcomed
    case .kind(.refused):
      guard let code: UInt8 = cursor.number(), let refusal = LinkRefusal(rawValue: code), cursor.rest == 0 else {
        return .rubbish
      }
      return .refused(refusal)
    case .kind(.received):
      guard link.phase == .open, let received = Packet.readReceived(&cursor),
        peer.content.withLock({ $0.acknowledge(received) })
      else { return .rubbish }
      return .heard
    case .otherVersion: return .refused(.otherVersion)
    default: return .rubbish
    }
  }
}
