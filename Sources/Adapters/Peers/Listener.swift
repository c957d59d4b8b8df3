import Glibc
import Lanes

/// Takes the connections of other pods: carries out what `IncomingLinks` decides. Lane-confined.
final class Listener: LinkSocket.Owner {
  private unowned let loop: MeshLoop
  private let descriptor: SocketDescriptor
  private var watch: FileWatch?
  private var links: IncomingLinks
  private var sockets: [IncomingLinks.LinkID: LinkSocket] = [:]
  private var ids: [ObjectIdentifier: IncomingLinks.LinkID] = [:]
  private var newest: IncomingLinks.LinkID = 0
  /// Runs while senders wait for an acknowledgement.
  private var acknowledging: LaneTimer?
  /// Out of descriptors: connections wait in the system until the next tick.
  private var isPaused = false
  let port: UInt16

  private var limits: PeerLimits { loop.options.limits }

  init(_ loop: MeshLoop) throws(PeerFailure) {
    self.loop = loop
    links = IncomingLinks(loop.options, readers: loop.readers.count)
    let (host, port) = (loop.options.host, loop.options.port)
    func refuse(_ why: String) -> PeerFailure {
      PeerFailure(code: .address, message: "cannot listen at \(PeerAddress.endpoint(host, port)): \(why)")
    }
    guard let address = SocketAddress(host, port) else { throw refuse("it is not a numeric address") }
    guard let descriptor = SocketDescriptor.make(address.family) else { throw refuse(String(cString: strerror(errno))) }
    // The port of a pod that has just ended counts as free.
    descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1)
    if address.family == AF_INET6, host == "*" { descriptor.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    guard address.with({ bind(descriptor.number, $0, $1) }) == 0, listen(descriptor.number, 256) == 0 else {
      throw refuse(String(cString: strerror(errno)))
    }
    self.descriptor = descriptor
    self.port = descriptor.port
    do {
      watch = try loop.lane.watch(descriptor.number, for: .readable) { [weak self] _ in self?.accept() }
    } catch {
      throw PeerFailure(code: .system, message: error.message)
    }
  }

  func close() {
    watch?.close()
    watch = nil
    acknowledging?.cancel()
    acknowledging = nil
    for socket in sockets.values { socket.close() }
    sockets = [:]
    ids = [:]
  }

  // MARK: Connections

  private func accept() {
    for _ in 0..<limits.acceptsPerWakeUpMax {
      let number = Glibc.accept(descriptor.number, nil, nil)
      guard number >= 0 else {
        if [EMFILE, ENFILE, ENOMEM, ENOBUFS].contains(errno) { pause() }
        return
      }
      let descriptor = SocketDescriptor(number)
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
      if fcntl(number, F_SETFL, O_NONBLOCK) == 0 { take(descriptor) }
    }
  }

  /// Avoids being woken repeatedly for connections that cannot be taken.
  private func pause() {
    isPaused = true
    watch?.close()
    watch = nil
  }

  private func resume() {
    guard isPaused else { return }
    watch = try? loop.lane.watch(descriptor.number, for: .readable) { [weak self] _ in self?.accept() }
    isPaused = watch == nil
  }

  private func take(_ descriptor: SocketDescriptor) {
    var tls: TLSSession?
    if let store = loop.certificates {
      tls = TLSSession(isClient: false, store.current(at: loop.lane.now))
      guard tls != nil else { return }
    }
    guard
      let socket = try? LinkSocket(loop.lane, descriptor, isConnecting: false, tls: tls, limits, owner: self)
    else { return }
    newest &+= 1
    sockets[newest] = socket
    ids[ObjectIdentifier(socket)] = newest
    carryOut(links.opened(newest, at: loop.lane.now))
  }

  private func remove(_ id: IncomingLinks.LinkID) {
    guard let socket = sockets.removeValue(forKey: id) else { return }
    ids[ObjectIdentifier(socket)] = nil
    socket.close()
  }

  // MARK: Carrying out

  private func carryOut(_ actions: [IncomingLinks.Action]) {
    for action in actions {
      switch action {
      case .say(let id, let packet): say(packet, on: id)
      case .trust(let id): sockets[id]?.packetBytesMax = limits.packetReadBytesMax
      case .hangUp(let id): remove(id)
      case .yield: loop.yield()
      case .count(let counter): loop.figures.add(to: counter)
      }
    }
  }

  private func say(_ packet: [UInt8], on id: IncomingLinks.LinkID) {
    guard let socket = sockets[id] else { return }
    // Nothing that asks for this many answers is a pod.
    guard socket.backlogBytes + packet.count <= limits.outputBytesMax else { return cutOff(id) }
    socket.write { $0 += packet }
    socket.flush()
  }

  private func cutOff(_ id: IncomingLinks.LinkID) {
    loop.figures.add(to: .rubbishLinks)
    remove(id)
    carryOut(links.ended(id))
  }

  private func handOver() {
    for reader in loop.readers.indices {
      links.takeDelivered(reader) { frames in
        loop.figures.add(frames.count, to: .framesReceived)
        // Credits keep the box from filling; it is as long as all of them together.
        _ = loop.readers[reader].post(frames)
      }
    }
  }

  // MARK: What connections report

  func socketReady(_ socket: LinkSocket) {}

  func socketReceived(_ packet: UnsafeRawBufferPointer, _ socket: LinkSocket) {
    guard let id = ids[ObjectIdentifier(socket)] else { return }
    loop.figures.add(to: .packetsReceived)
    carryOut(links.received(packet, on: id, at: loop.lane.now))
  }

  func socketSettled(_ socket: LinkSocket) {
    handOver()
    carryOut(links.settle())
    guard links.isAcknowledgementDue, acknowledging == nil else { return }
    acknowledging = loop.lane.after(milliseconds: limits.acknowledgeMilliseconds) { [weak self] in
      self?.acknowledging = nil
      self?.acknowledgeAll()
    }
  }

  func socketDrained(_ socket: LinkSocket) {}

  func socketEnded(_ end: LinkSocket.End, _ socket: LinkSocket) {
    guard let id = ids[ObjectIdentifier(socket)] else { return }
    if end == .tooLong {
      carryOut(links.receivedTooMuch(on: id))
    } else if end == .distrusted {
      loop.figures.add(to: .refusedCertificates)
    }
    carryOut(links.ended(id))
    remove(id)
  }

  // MARK: Time

  /// Returns credit to everyone who has some to get.
  func acknowledgeAll() { carryOut(links.acknowledgeAll()) }

  func tick() {
    resume()
    let now = loop.lane.now
    carryOut(links.tick(at: now))
    // For peers that keep sending but read no answers: the system keeps few of those, but their age shows it.
    for (id, socket) in sockets where socket.blockedMilliseconds(at: now) >= limits.silentMilliseconds { cutOff(id) }
  }
}
