import CZeroMQ
import Lanes

/// Answers ZeroMQ's questions whether a key may connect (RFC 27, ZAP), on the lane: only trusted keys may.
///
/// Made before the ROUTER listens. Its watch holds it until `close`.
final class Admission {
  private let socket: ZeroMQSocket
  private let trusted: Set<PeerKey>
  private let figures: PeerFigures
  private var watch: FileWatch?

  init(_ lane: Lane, _ context: ZeroMQContext, _ trusted: Set<PeerKey>, _ figures: PeerFigures) throws(PeerFailure) {
    self.trusted = trusted
    self.figures = figures
    socket = try ZeroMQSocket(context, ZMQ_ROUTER)
    try socket.bind("inproc://zeromq.zap.01")
    do {
      watch = try lane.watch(socket.descriptor, for: .readable) { _ in self.service() }
    } catch {
      throw PeerFailure(code: .system, message: error.message)
    }
    // What came before the watch raises no event.
    service()
  }

  func close() {
    watch?.close()
    watch = nil
  }

  private func service() {
    repeat {
      while let request = socket.receiveParts(10) { answer(request) }
    } while watch != nil && socket.isReadable
  }

  /// Requests: asker, nothing, version, number, domain, address, routing id, mechanism, key.
  private func answer(_ request: [[UInt8]]) {
    guard request.count >= 4 else { return }
    let isTrusted =
      request.count == 9 && request[7] == Array("CURVE".utf8)
      && PeerKey(raw: request[8]).map { trusted.contains($0) } == true
    if !isTrusted { figures.add(to: .refusedKeys) }
    let parts: [[UInt8]] = [
      request[0], [], Array("1.0".utf8), request[3], Array((isTrusted ? "200" : "400").utf8),
      Array((isTrusted ? "OK" : "key not trusted").utf8), [], [],
    ]
    for (index, part) in parts.enumerated() { _ = socket.send(part, hasMore: index < parts.count - 1) }
  }
}

/// Counts connections to the ROUTER that ZeroMQ drops by itself: another protocol, no CURVE, a handshake too slow.
final class HandshakeMonitor {
  private let socket: ZeroMQSocket
  private let figures: PeerFigures
  private var watch: FileWatch?

  init(_ lane: Lane, _ context: ZeroMQContext, of router: ZeroMQSocket, _ figures: PeerFigures) throws(PeerFailure) {
    self.figures = figures
    let endpoint = "inproc://kassa.handshakes"
    try router.monitor(endpoint, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
    socket = try ZeroMQSocket(context, ZMQ_PAIR)
    try socket.connect(endpoint)
    do {
      watch = try lane.watch(socket.descriptor, for: .readable) { _ in self.service() }
    } catch {
      throw PeerFailure(code: .system, message: error.message)
    }
    // What came before the watch raises no event.
    service()
  }

  func close() {
    watch?.close()
    watch = nil
  }

  private func service() {
    repeat {
      while socket.receiveParts(2) != nil { figures.add(to: .failedHandshakes) }
    } while watch != nil && socket.isReadable
  }
}
