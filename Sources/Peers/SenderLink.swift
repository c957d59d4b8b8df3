import CZeroMQ
import Lanes

/// The DEALER on which one peer is sent its frames. Lane-confined.
///
/// Its watch holds it until `close`, so ZeroMQ's descriptor is closed behind the watch.
final class SenderLink {
  let peer: Peer
  private let loop: MeshLoop
  private let socket: ZeroMQSocket
  private var watch: FileWatch?
  /// Encoded, and not taken by ZeroMQ yet.
  private var pending: [UInt8]?
  private var isServing = false
  private var heardAt: UInt64
  /// After rubbish the link is down until then.
  private var downUntil: UInt64?
  private var isIntroduced = false

  private var limits: PeerLimits { loop.options.limits }
  private var figures: PeerFigures { loop.figures }

  init(_ peer: Peer, _ loop: MeshLoop) throws(PeerFailure) {
    self.peer = peer
    self.loop = loop
    heardAt = loop.lane.now
    socket = try ZeroMQSocket(loop.context, ZMQ_DEALER)
    try loop.setBounds(of: socket)
    // Nothing waits in ZeroMQ for a connection: what it holds when one breaks is lost, and sent again from here.
    try socket.set(ZMQ_IMMEDIATE, 1)
    // The other side notices each new connection, and asks who it is.
    try socket.set(ZMQ_PROBE_ROUTER, 1)
    try socket.set(ZMQ_RECONNECT_IVL, limits.reconnectMillisecondsMin)
    try socket.set(ZMQ_RECONNECT_IVL_MAX, limits.reconnectMillisecondsMax)
    if let keys = loop.options.keys {
      try socket.set(ZMQ_CURVE_PUBLICKEY, keys.publicKey.text)
      try socket.set(ZMQ_CURVE_SECRETKEY, keys.secretKey.text)
      try socket.set(ZMQ_CURVE_SERVERKEY, (peer.address.publicKey ?? keys.publicKey).text)
    }
    try socket.connect(peer.address.endpoint)
    do {
      watch = try loop.lane.watch(socket.descriptor, for: .readable) { _ in self.service() }
    } catch {
      throw PeerFailure(code: .system, message: error.message)
    }
    service()
  }

  func close() {
    watch?.close()
    watch = nil
  }

  /// Takes what came and sends what may go, until ZeroMQ has nothing to say.
  func service() {
    guard !isServing else { return }
    isServing = true
    var budget = limits.packetsPerTurnMax
    repeat {
      while budget > 0, receive() { budget -= 1 }
      budget -= 1
      pump()
    } while budget > 0 && watch != nil && socket.isReadable
    isServing = false
    // Others on the lane come first; the tick looks again in case the post finds no room.
    if budget <= 0, watch != nil { loop.lane.post { [peer, weak mesh = loop.mesh] in mesh?.loop.pump(peer) } }
  }

  // MARK: Sending

  private func pump() {
    while downUntil == nil, watch != nil {
      guard let packet = pending ?? peer.content.withLock({ $0.stream.nextPacket(limits) }) else { return }
      guard send(packet) else {
        pending = packet
        return
      }
      pending = nil
      figures.add(to: .packetsSent)
    }
  }

  private func send(_ packet: [UInt8]) -> Bool { socket.send(packet) == .sent }

  private func introduce() {
    let first = peer.content.withLock { $0.stream.first }
    let hello = Packet.Hello(
      cluster: loop.options.cluster, to: peer.address.name, from: loop.options.identity, stream: peer.stream,
      first: first)
    _ = send(Packet.hello(hello))
  }

  // MARK: Receiving

  private enum Arrival {
    case who, welcome(Packet.Welcome), refused(LinkRefusal), received(UInt64, credit: UInt64), rubbish
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) -> Arrival {
    var cursor = ByteCursor(bytes)
    switch Packet.head(&cursor) {
    case .kind(.who): return .who
    case .kind(.welcome): if let welcome = Packet.readWelcome(&cursor) { return .welcome(welcome) }
    case .kind(.refused):
      if let code: UInt8 = cursor.number(), let refusal = LinkRefusal(rawValue: code) { return .refused(refusal) }
    case .kind(.received):
      if let (number, credit) = Packet.readReceived(&cursor) { return .received(number, credit: credit) }
    case .otherVersion: return .refused(.otherVersion)
    default: break
    }
    return .rubbish
  }

  /// Takes one message; false when there is none.
  private func receive() -> Bool {
    guard watch != nil, downUntil == nil else { return false }
    var isLong = false
    guard
      var arrival = socket.receive({ bytes, hasMore in
        isLong = hasMore
        return Self.read(bytes)
      })
    else { return false }
    while isLong, socket.receive({ isLong = $1 }) != nil { arrival = .rubbish }
    heardAt = loop.lane.now
    switch arrival {
    case .who:
      interrupt()
      introduce()
    case .welcome(let welcome): welcomed(welcome)
    case .refused(let refusal): refused(refusal)
    case .received(let number, let credit):
      let isRight = peer.content.withLock { content in
        if content.state == .silent { content.state = .connected }
        return content.stream.acknowledge(number, credit: credit)
      }
      if !isRight { giveUp() }
    case .rubbish: giveUp()
    }
    return true
  }

  private func interrupt() {
    pending = nil
    peer.content.withLock {
      $0.stream.interrupt()
      if $0.state == .connected { $0.state = .connecting }
    }
  }

  private func welcomed(_ welcome: Packet.Welcome) {
    pending = nil
    if isIntroduced { figures.add(to: .reconnects) }
    isIntroduced = true
    let isRight = peer.content.withLock { content in
      guard content.stream.welcome(welcome) else { return false }
      content.state = .connected
      return true
    }
    if !isRight { giveUp() }
  }

  private func refused(_ refusal: LinkRefusal) {
    interrupt()
    peer.content.withLock { $0.state = .refused(refusal) }
    if refusal == .replaced { loop.replaced() }
  }

  /// Drops a connection whose other side is wrong, and begins a new one a little later.
  private func giveUp() {
    figures.add(to: .rubbishLinks)
    interrupt()
    socket.disconnect(peer.address.endpoint)
    downUntil = loop.lane.now &+ UInt64(limits.reconnectMillisecondsMax)
  }

  // MARK: Time

  func tick(_ now: UInt64) {
    if let downUntil {
      guard now >= downUntil else { return }
      self.downUntil = nil
      try? socket.connect(peer.address.endpoint)
    }
    let (isOpen, state) = peer.content.withLock { ($0.stream.isOpen, $0.state) }
    if !isOpen {
      introduce()
    } else if now &- heardAt >= limits.idleMilliseconds {
      _ = send(Packet.start(.ping))
    }
    if state == .connected, now &- heardAt >= limits.silentMilliseconds {
      peer.content.withLock { $0.state = .silent }
    }
    service()
  }
}
