import CHiredis
import Glibc
import Lanes

/// One connection to Redis on a lane: bytes out, replies in. Lane-confined.
///
/// Its watch holds it until `close`, so its descriptor is closed after the watch.
final class RedisConnection {
  /// Called on the lane; after `connectionLost` nothing more comes from this connection.
  protocol Owner: AnyObject {
    func connectionOpened(_ connection: RedisConnection)
    func connectionReceived(_ reply: borrowing RedisReply, _ connection: RedisConnection)
    func connectionLost(_ reason: Loss, _ connection: RedisConnection)
  }

  enum Loss: Hashable {
    /// The system's connection failed or ended.
    case ended
    /// The server sent something Redis never would, or too much.
    case rubbish
  }

  private let context: UnsafeMutablePointer<redisContext>
  private let reader: ReplyReader
  private let limits: RedisLimits
  private weak var owner: (any Owner)?
  private let tls: TLSSession?
  private var watch: FileWatch?
  private var isConnecting = true
  /// What the watch asks for.
  private var events: FileEvents = .writable
  private var output: [UInt8] = []
  private var sent = 0
  private var bytesSinceReply = 0

  /// Starts connecting; nil if the system refuses at once.
  /// - Parameter connect: one of hiredis's `redisConnect…NonBlock`; the host must be numeric, or it blocks.
  init?(
    _ lane: Lane, _ limits: RedisLimits, owner: any Owner, encryption: (host: String, authorities: String?)?,
    connect: () -> UnsafeMutablePointer<redisContext>?
  ) {
    guard let context = connect() else { return nil }
    guard context.pointee.err == 0, let reader = ReplyReader(elementsMax: limits.itemsPerRequestMax + 1) else {
      redisFree(context)
      return nil
    }
    if let encryption {
      tls = TLSSession(
        descriptor: context.pointee.fd, host: encryption.host, authorities: encryption.authorities)
    } else {
      tls = nil
    }
    guard (tls == nil) == (encryption == nil) else {
      redisFree(context)
      return nil
    }
    self.context = context
    self.reader = reader
    self.limits = limits
    self.owner = owner
    do {
      watch = try lane.watch(context.pointee.fd, for: .writable) { self.ready($0) }
    } catch {
      return nil
    }
  }

  deinit { redisFree(context) }

  var isOpen: Bool { watch != nil && !isConnecting }
  var outputBytes: Int { output.count - sent }

  /// Ends it without notifying the owner.
  func close() {
    watch?.close()
    watch = nil
  }

  /// Lets `body` add commands, which the next `flush` sends.
  func write(_ body: (inout [UInt8]) -> Void) { body(&output) }

  /// Sends what the socket takes now, and the rest when it takes more.
  func flush() {
    guard isOpen else { return }
    var step = TLSSession.Progress.bytes(0)
    while sent < output.count, case .bytes = step {
      step = output.withUnsafeBytes { transmit(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
      if case .bytes(let count) = step { sent += count }
    }
    if sent == output.count {
      output.removeAll(keepingCapacity: output.capacity <= limits.replyBytesMax)
      sent = 0
    } else if step == .ended {
      return lose(.ended)
    } else if sent >= limits.outputBytesMax {
      output.removeFirst(sent)
      sent = 0
    }
    expect(outputBytes > 0 ? [.readable, .writable] : .readable)
  }

  private func expect(_ wanted: FileEvents) {
    guard wanted != events, let watch else { return }
    events = wanted
    do { try watch.change(to: wanted) } catch { lose(.ended) }
  }

  private func lose(_ reason: Loss) {
    guard watch != nil else { return }
    close()
    owner?.connectionLost(reason, self)
  }

  private func ready(_ happened: FileEvents) {
    guard !happened.contains(.failed) else { return lose(.ended) }
    if isConnecting { return continueConnecting() }
    if happened.contains(.writable) { flush() }
    if happened.contains(.readable) { receive() }
  }

  private func continueConnecting() {
    guard connectFailure() == 0 else { return lose(.ended) }
    if let tls, !tls.isReady {
      switch tls.shakeHands() {
      case .bytes: break
      case .again: return expect(tls.wantsToWrite ? .writable : .readable)
      case .ended: return lose(.ended)
      }
    }
    isConnecting = false
    expect(.readable)
    owner?.connectionOpened(self)
    flush()
  }

  private func transmit(_ bytes: UnsafeRawBufferPointer) -> TLSSession.Progress {
    if let tls { return tls.send(bytes) }
    return progress(send(context.pointee.fd, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)))
  }

  private func take(_ buffer: UnsafeMutableRawBufferPointer) -> TLSSession.Progress {
    if let tls { return tls.receive(buffer) }
    return progress(recv(context.pointee.fd, buffer.baseAddress, buffer.count, 0))
  }

  /// An interruption counts as "again": the watch is level-triggered.
  private func progress(_ count: Int) -> TLSSession.Progress {
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? .again : .ended
  }

  private func connectFailure() -> Int32 {
    var failure: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(context.pointee.fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 ? failure : errno
  }

  private func receive() {
    var total = 0
    // The descriptor does not report bytes waiting within the TLS session: those, of one record, are taken too.
    while isOpen, total < limits.readBytesPerWakeUpMax || tls?.hasPending == true {
      let step = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
        let step = take(buffer)
        guard case .bytes(let count) = step else { return step }
        return reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) ? step : .ended
      }
      switch step {
      case .again: return
      case .ended: return lose(.ended)
      case .bytes(let count):
        total += count
        bytesSinceReply += count
        deliver()
      }
    }
  }

  private func deliver() {
    while isOpen {
      switch reader.next() {
      case .reply(let reply):
        bytesSinceReply = 0
        owner?.connectionReceived(reply, self)
      case .incomplete:
        if bytesSinceReply > limits.replyBytesMax { lose(.rubbish) }
        return
      case .rubbish: return lose(.rubbish)
      }
    }
  }
}
