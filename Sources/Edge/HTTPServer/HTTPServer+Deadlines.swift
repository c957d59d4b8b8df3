import CMicroHTTPD
import Glibc
import Lanes

// libmicrohttpd's own timeout counts inactivity, so one byte per second would keep a connection forever. So the server
// has its own deadlines and checks them with a timer that runs only while there are connections. The library has no
// call to close a connection, but closes it if the socket is shut down.
extension HTTPServer {
  func startTick() {
    guard tick == nil, daemon != nil else { return }
    let milliseconds = isStopping ? HTTPServer.stoppingTickMilliseconds : limits.tickMilliseconds
    tick = lane.every(milliseconds: milliseconds) { [unowned self] in ticked() }
  }

  private func ticked() {
    if clients.isEmpty {
      tick?.cancel()
      tick = nil
      return
    }
    let now = lane.now
    for client in clients { check(client, now) }
    if now >= waitersLookedAt + HTTPServer.waitersLookMilliseconds {
      waitersLookedAt = now
      abandonGoneClients(now)
    }
  }

  private func check(_ client: ClientConnection, _ now: UInt64) {
    if client.phase == .idle, !client.hasBegun, begins(client) {
      client.hasBegun = true
      leaveQueue(client)
      client.deadline = now + UInt64(limits.requestMilliseconds)
    }
    switch client.phase {
    case .waiting: return
    case .idle where isStopping && !client.hasBegun && isQuiet(client):
      shutdown(client.socket, Int32(SHUT_RDWR))
    case .receiving where now >= client.deadline, .body where now >= client.deadline:
      refusePastLibrary(client, HeadRefusal(status: 408, detail: "The request did not arrive in time."))
    case .idle where now >= client.deadline, .answering where now >= client.deadline:
      shutdown(client.socket, Int32(SHUT_RDWR))
    default: break
    }
  }

  /// Whether bytes have arrived after the requests so far. The library buffers them until they form a request line, and
  /// does not report them; the system counts them. Over TLS, where it also counts TLS's own bytes, any byte since the
  /// last look counts as a request's, and a new connection's handshake is part of its first request.
  private func begins(_ client: ClientConnection) -> Bool {
    let received = kassa_socket_bytes_received(client.socket)
    if isTLS, !client.isCounted {
      client.isCounted = true
      client.bytesTaken = received
      if let place = client.place { idle.idle(place, since: lane.now, bytesTaken: received) }
    }
    return received > client.bytesTaken
  }

  /// Whether there was nothing to read from this connection at several looks in a row. Looks are counted, not
  /// milliseconds: a machine that stalls delays the clients, too.
  private func isQuiet(_ client: ClientConnection) -> Bool {
    var byte: UInt8 = 0
    let isSilent = recv(client.socket, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) <= 0
    client.quietLooks = isSilent ? client.quietLooks + 1 : 0
    return client.quietLooks > HTTPServer.quietLooksMax
  }

  /// How often a stopping server looks at its connections, and at how many looks an idle one may be quiet until it is
  /// closed.
  static let stoppingTickMilliseconds: UInt64 = 50
  static let quietLooksMax = 5

  /// How often waiting clients are checked, and how long one must have waited.
  static let waitersLookMilliseconds: UInt64 = 1_000

  /// The daemon does not watch suspended connections, so it would notice only on answering that a client has left.
  private func abandonGoneClients(_ now: UInt64) {
    let old = waiting.values.filter { now >= $0.deadline + HTTPServer.waitersLookMilliseconds }
    guard !old.isEmpty else { return }
    let gone = kassa_poll_closed | Int16(POLLHUP | POLLERR)
    var polls = old.map { pollfd(fd: $0.socket, events: kassa_poll_closed, revents: 0) }
    guard poll(&polls, nfds_t(polls.count), 0) > 0 else { return }
    for (client, poll) in zip(old, polls) where poll.revents & gone != 0 {
      guard waiting.removeValue(forKey: client.exchange) != nil else { continue }
      handler.abandoned(ExchangeID(number: client.exchange))
      send(handler.refusal(status: 408, detail: "The client went away."), to: client)
      resume(client)
    }
  }
}
