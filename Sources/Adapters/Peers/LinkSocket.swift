import Glibc
import Lanes

/// One connection to a peer, whichever side made it: packets in, packets out, with or without TLS. Lane-confined.
///
/// What it gets to send in a turn leaves in one write. Its watch holds it until `close`, so its descriptor is closed
/// after the watch.
final class LinkSocket {
  /// Called on the lane; after `socketEnded` nothing more comes from this socket.
  protocol Owner: AnyObject {
    /// TCP and TLS are up.
    func socketReady(_ socket: LinkSocket)
    /// A packet, after its length. The owner may close the socket.
    func socketReceived(_ packet: UnsafeRawBufferPointer, _ socket: LinkSocket)
    /// All packets of a wake-up were delivered.
    func socketSettled(_ socket: LinkSocket)
    /// The system took everything that was to be sent.
    func socketDrained(_ socket: LinkSocket)
    func socketEnded(_ end: End, _ socket: LinkSocket)
  }

  enum End: Hashable {
    case ended
    /// No certificate that can be trusted.
    case distrusted
    /// Longer than a packet may be.
    case tooLong
  }

  private unowned let lane: Lane
  private let descriptor: SocketDescriptor
  private let tls: TLSSession?
  private let limits: PeerLimits
  private weak var owner: (any Owner)?
  private var watch: FileWatch?
  private var isConnecting: Bool
  private(set) var isReady = false
  /// While packets are delivered: the answers leave together, afterwards.
  private var isDelivering = false
  private var events: FileEvents
  private var reader = PacketReader()
  /// The longest packet allowed.
  var packetBytesMax = Packet.helloBytesMax
  /// What will be sent, before TLS.
  private var pending: [UInt8] = []
  /// What will be sent, as it travels; the first `sent` bytes of it are gone.
  private var output: [UInt8] = []
  private var sent = 0
  /// Since when the system has taken nothing of what will be sent; nil if nothing waits.
  private var blockedSince: UInt64?

  /// - Parameters:
  ///   - isConnecting: whether TCP is not up yet.
  ///   - tls: nil for plain TCP.
  /// - Throws: `LaneFailure` if the descriptor cannot be watched.
  init(
    _ lane: Lane, _ descriptor: SocketDescriptor, isConnecting: Bool, tls: TLSSession?, _ limits: PeerLimits,
    owner: any Owner
  ) throws(LaneFailure) {
    self.lane = lane
    self.descriptor = descriptor
    self.tls = tls
    self.limits = limits
    self.owner = owner
    self.isConnecting = isConnecting
    events = isConnecting || tls == nil ? .writable : .readable
    descriptor.sendAtOnce()
    watch = try lane.watch(descriptor.number, for: events) { self.happened($0) }
  }

  var isOpen: Bool { watch != nil }

  /// What is encoded but not yet taken by the system.
  var backlogBytes: Int { pending.count + output.count - sent }

  /// For how long the other end has read too little for the system to take another byte; 0 if all was taken.
  func blockedMilliseconds(at now: UInt64) -> UInt64 { blockedSince.map { now &- $0 } ?? 0 }

  /// Ends it without a word to the owner.
  func close() {
    watch?.close()
    watch = nil
  }

  // MARK: Sending

  /// Lets `body` add packets to what leaves with the next `flush`.
  func write<Result>(_ body: (inout [UInt8]) -> Result) -> Result { body(&pending) }

  /// Sends what the system takes now, the rest when it takes more.
  func flush() {
    guard isReady, isOpen, !isDelivering else { return }
    if let tls, !pending.isEmpty {
      guard pending.withUnsafeBytes({ tls.send($0) }) else { return lose(.ended) }
      pending.removeAll(keepingCapacity: true)
      tls.takeOutput(into: &output)
    } else if !pending.isEmpty {
      if output.isEmpty { swap(&output, &pending) } else { output.append(contentsOf: pending) }
      pending.removeAll(keepingCapacity: true)
    }
    transmit()
  }

  private func transmit() {
    let before = sent
    guard let gone = descriptor.send(output, from: sent) else { return lose(.ended) }
    sent = gone
    if sent == output.count {
      blockedSince = nil
    } else if sent > before || blockedSince == nil {
      blockedSince = lane.now
    }
    if sent == output.count {
      output.removeAll(keepingCapacity: output.capacity <= 2 * limits.outputBytesMax)
      sent = 0
    } else if sent >= limits.outputBytesMax {
      output.removeFirst(sent)
      sent = 0
    }
    expect(sent < output.count ? [.readable, .writable] : .readable)
  }

  private func expect(_ wanted: FileEvents) {
    guard wanted != events, let watch else { return }
    events = wanted
    do { try watch.change(to: wanted) } catch { lose(.ended) }
  }

  private func lose(_ end: End) {
    guard isOpen else { return }
    close()
    owner?.socketEnded(end, self)
  }

  // MARK: What happens

  private func happened(_ events: FileEvents) {
    guard !events.contains(.failed) else { return lose(.ended) }
    if isConnecting || (tls == nil && !isReady) {
      guard descriptor.failure == 0 else { return lose(.ended) }
      isConnecting = false
      // The dialling end speaks first, in TLS as in packets.
      if tls != nil { shakeHands() } else { becomeReady() }
      return
    }
    if events.contains(.writable) {
      let hadBacklog = backlogBytes > 0
      if isReady { flush() } else { transmit() }
      if isOpen, isReady, hadBacklog, backlogBytes == 0 { owner?.socketDrained(self) }
    }
    if isOpen, events.contains(.readable) { receive() }
  }

  private func becomeReady() {
    isReady = true
    expect(.readable)
    owner?.socketReady(self)
    flush()
  }

  private func shakeHands() {
    guard let tls else { return }
    let progress = tls.shakeHands()
    tls.takeOutput(into: &output)
    // Including an alert, which says why this end refuses.
    transmit()
    guard isOpen else { return }
    switch progress {
    case .bytes: becomeReady()
    case .again: break
    case .distrusted: lose(.distrusted)
    case .ended: lose(.ended)
    }
  }

  // MARK: Receiving

  private func receive() {
    var total = 0
    var end: End?
    isDelivering = true
    while isOpen, end == nil, total < limits.readBytesPerWakeUpMax {
      let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
        let count = recv(descriptor.number, buffer.baseAddress, buffer.count, 0)
        if count > 0 { end = take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        return count
      }
      if count == 0 { end = .ended }
      if count < 0, errno != EAGAIN, errno != EWOULDBLOCK, errno != EINTR { end = .ended }
      // The watch is level-triggered: what a short read left arrives with the next wake-up.
      guard count == 65_536 else { break }
      total += count
    }
    if isReady { owner?.socketSettled(self) }
    isDelivering = false
    if let end { lose(end) } else { flush() }
  }

  /// Takes what arrived from the system, and delivers its packets. Returns why the connection ends.
  private func take(_ bytes: UnsafeRawBufferPointer) -> End? {
    guard let tls else {
      reader.append(bytes)
      return deliver()
    }
    tls.feed(bytes)
    if !tls.isReady {
      shakeHands()
      guard isOpen, tls.isReady else { return nil }
    }
    return withUnsafeTemporaryAllocation(byteCount: TLSSession.recordBytes, alignment: 1) { buffer in
      while isOpen {
        switch tls.receive(into: buffer) {
        case .bytes(let count):
          reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          if let end = deliver() { return end }
        case .again:
          // GnuTLS itself may have something to send, such as new keys.
          tls.takeOutput(into: &output)
          return nil
        case .ended, .distrusted: return .ended
        }
      }
      return nil
    }
  }

  private func deliver() -> End? {
    while isOpen {
      switch reader.next(bytesMax: packetBytesMax) {
      case .packet(let range): reader.withBytes(range) { owner?.socketReceived($0, self) }
      case .incomplete: return nil
      case .tooLong: return .tooLong
      }
    }
    return nil
  }
}
