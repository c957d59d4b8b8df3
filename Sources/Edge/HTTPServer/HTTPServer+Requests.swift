import CMicroHTTPD
import Glibc
import Lanes

/// What the daemon reports about connections and requests.
extension HTTPServer {
  // MARK: Connections

  func admit(_ address: UnsafePointer<sockaddr>?) -> Bool {
    releaseUnopened()
    let address = PeerAddress(address)
    switch ledger.admit(address, at: lane.now) {
    case .welcome: admitted = (address, nil)
    case .surplus(let bound): admitted = (address, bound)
    case .turnedAway: return false
    }
    return true
  }

  /// A connection that was admitted but could not be created (no memory, no descriptor) is no longer counted.
  func releaseUnopened() {
    guard let (address, surplus) = admitted else { return }
    admitted = nil
    ledger.leave(address, isSurplus: surplus != nil)
  }

  func opened(_ connection: OpaquePointer) -> ClientConnection {
    let (address, surplus) = admitted ?? (PeerAddress(kassa_connection_address(connection)), nil)
    admitted = nil
    let client = ClientConnection(
      connection, socket: kassa_connection_socket(connection), address: address,
      deadline: lane.now + UInt64(limits.requestMilliseconds))
    if let surplus {
      refuse(client, beyond: surplus)
    } else {
      client.place = idle.open(socket: client.socket, address: address, now: lane.now)
    }
    if let certificate, certificate.apply(to: connection) { client.certificate = certificate }
    client.index = clients.count
    clients.append(client)
    startTick()
    return client
  }

  /// A request has begun. If another connection has just got this one's place, its client is informed if possible:
  /// nothing of its request is done.
  func leaveQueue(_ client: ClientConnection) {
    guard let place = client.place, idle.busy(place), client.surplus == nil else { return }
    refuse(client, beyond: .total)
  }

  /// A connection beyond a bound may send the head of one request, so that its client takes the answer as such.
  private func refuse(_ client: ClientConnection, beyond bound: ConnectionLedger.Bound) {
    client.surplus =
      switch bound {
      case .total: HeadRefusal(status: 503, detail: "The server has as many connections as it accepts.")
      case .perAddress:
        HeadRefusal(status: 429, detail: "The server has as many connections from this address as it accepts.")
      }
    client.hasBegun = true
    client.deadline = lane.now + min(UInt64(limits.requestMilliseconds), HTTPServer.surplusMilliseconds)
  }

  /// How long such a connection may take to do so.
  static let surplusMilliseconds: UInt64 = 1_000

  func closed(_ client: ClientConnection) {
    let isDisplaced = client.place.map(idle.close) ?? false
    ledger.leave(client.address, isSurplus: isDisplaced || client.surplus != nil)
    // When out of descriptors or memory, the library stops watching its listening socket until a connection has closed,
    // and watches it again only in its next run, which nothing else might trigger.
    isDue = true
    guard let last = clients.popLast(), last !== client else { return }
    clients[client.index] = last
    last.index = client.index
  }

  // MARK: Requests

  /// The request line has arrived; its target is still as sent.
  func started(_ client: ClientConnection, _ target: UnsafePointer<CChar>?) {
    requestsUnderWay += 1
    // Otherwise the deadline is that of the first byte, which was seen before.
    if !client.hasBegun { client.deadline = lane.now + UInt64(limits.requestMilliseconds) }
    client.phase = .receiving
    leaveQueue(client)
    guard let target else { return }
    let bytes = UnsafeBufferPointer(
      start: UnsafeRawPointer(target).assumingMemoryBound(to: UInt8.self), count: strlen(target))
    client.take(target: bytes)
    client.isHeadSeen = lookAtHead(behind: bytes, client)
    client.hideQuery()
  }

  /// The head has arrived. A refusal here closes the connection after its answer.
  func headArrived(
    _ client: ClientConnection, _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?
  ) -> Bool {
    client.exchange = nextExchange()
    client.phase = .body
    client.restoreQuery()
    head.collect(client.connection, exchange: client.exchange)
    let headBytes = kassa_connection_head_bytes(client.connection)
    client.bytesTaken += UInt64(headBytes)
    let parts = HeadParts(
      method: text(method), target: client.target, version: text(version), headBytes: headBytes)
    var refusal = HeadRules.refusal(of: parts, head, limits: limits, framing: &client.framing)
    if refusal == nil { refusal = self.refusal(ofTarget: client, parts) }
    let isGood = refusal == nil
    guard let refusal = refusal ?? client.surplus else { return true }
    // A client still sending its body would not see an answer if its connection is then reset.
    if isGood || refusal.status == 413, client.framing.length <= UInt64(HTTPServer.discardedBytesMax),
      !client.framing.expectsContinue
    {
      client.refusal = refusal
      return true
    }
    return refuse(client, refusal)
  }

  private func refusal(ofTarget client: ClientConnection, _ parts: HeadParts) -> HeadRefusal? {
    guard client.isTargetGood else { return .bad("The target is not a path of visible bytes.") }
    if TargetParts.isAsterisk(client.target), HTTPMethod(parts.method) != .options {
      return .bad("Only OPTIONS has the target *.")
    }
    guard !client.authority.isEmpty else { return nil }
    // In RFC 9112 the target wins. A gateway makes them equal, and sending two different ones means mischief.
    let isSame = head.withField("Host") { count, host in
      count == 0 || host.elementsEqual(client.authority) { ASCII.lower($0) == ASCII.lower($1) }
    }
    return isSame ? nil : .bad("The target's host differs from Host.")
  }

  /// Some of the body has arrived.
  func received(_ client: ClientConnection, _ count: Int) -> Bool {
    client.bytesTaken += UInt64(count)
    if client.refusal == nil, count <= limits.bodyBytesMax - client.bodyByteCount {
      client.bodyByteCount += count
      return true
    }
    if client.refusal == nil {
      client.refusal = HeadRefusal(status: 413, detail: "The request's body is larger than the server accepts.")
    }
    client.discardedBytes += count
    return client.discardedBytes <= HTTPServer.discardedBytesMax
  }

  /// How much of a refused body is read before its connection is just closed.
  static let discardedBytesMax = 1 << 20

  /// The whole request has arrived.
  func requestArrived(_ client: ClientConnection, _ method: UnsafePointer<CChar>?) -> Bool {
    guard client.phase == .body else { return true }
    if putsOff(client) { return true }
    if let refusal = client.refusal { return refuse(client, refusal) }
    if isClosing { return refuse(client, HeadRefusal(status: 503, detail: "The server is shutting down.")) }
    if head.exchange != client.exchange { head.collect(client.connection, exchange: client.exchange) }
    let response = respond(client, HTTPMethod(text(method)))
    guard let response else {
      client.phase = .waiting
      client.deadline = lane.now
      waiting[client.exchange] = client
      MHD_suspend_connection(client.connection)
      return true
    }
    return send(response, to: client)
  }

  /// Whether the library has to call again before it takes an answer.
  ///
  /// Behind `100 Continue` the library reports the bytes of the next request as a piece of this one's body, of no bytes
  /// when it has none, which looks like the request's end. An answer would be too early: it would be refused, and the
  /// connection closed.
  private func putsOff(_ client: ClientConnection) -> Bool {
    let framing = client.framing
    guard framing.expectsContinue, !framing.isChunked, framing.length == 0, !client.isPutOff else { return false }
    client.isPutOff = true
    MHD_suspend_connection(client.connection)
    resume(client)
    return true
  }

  private func respond(_ client: ClientConnection, _ method: HTTPMethod) -> HTTPResponse? {
    hasHandedOver = true
    let request = HTTPRequest(
      method: method, path: client.path, query: client.query, bodyByteCount: client.bodyByteCount, head: head)
    return handler.respond(to: request, as: ExchangeID(number: client.exchange))
  }

  /// The answer was sent, or the connection is closing.
  func completed(_ client: ClientConnection) {
    requestsUnderWay -= 1
    if client.phase == .waiting, waiting.removeValue(forKey: client.exchange) != nil {
      handler.abandoned(ExchangeID(number: client.exchange))
    }
    client.reset()
    client.deadline = lane.now + UInt64(limits.idleMilliseconds)
    // Over TLS the system also counts TLS's own bytes: the next tick asks it, and queues the connection.
    guard !isTLS, let place = client.place else { return }
    idle.idle(place, since: lane.now, bytesTaken: client.bytesTaken)
  }

  // MARK: Answers

  private func refuse(_ client: ClientConnection, _ refusal: HeadRefusal) -> Bool {
    var response = handler.refusal(status: refusal.status, detail: refusal.detail)
    response.closes = true
    return send(response, to: client)
  }

  /// Queues an answer. Returns false if the connection cannot take it and must be closed.
  @discardableResult
  func send(_ response: HTTPResponse, to client: ClientConnection) -> Bool {
    client.phase = .answering
    client.deadline = lane.now + UInt64(limits.answerMilliseconds)
    // After chunks, and after a body whose head was not seen, the connection is not reused: see HeadRules.
    let closes =
      response.closes || isStopping || isLeaving || client.framing.isChunked
      || client.framing.length > 0 && !client.isHeadSeen
    return ResponseObject.queue(
      response, on: client.connection, closes: closes,
      keepAlive: closes || client.framing.isLast ? nil : keepAlive, serverName: serverName)
  }

  private func text(_ text: UnsafePointer<CChar>?) -> UnsafeBufferPointer<UInt8> {
    guard let text else { return UnsafeBufferPointer(start: nil, count: 0) }
    let bytes = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
    return UnsafeBufferPointer(start: bytes, count: strlen(text))
  }
}

extension ClientConnection {
  func resumeInDaemon() { MHD_resume_connection(connection) }
}

extension HTTPMethod {
  /// The most frequent first.
  private static let named: [HTTPMethod] = [.get, .post, .delete, .put, .head, .options, .patch]

  init(_ text: UnsafeBufferPointer<UInt8>) {
    for method in HTTPMethod.named where text.elementsEqual(method.name.bytes) {
      self = method
      return
    }
    self = .other
  }
}

extension StaticString {
  fileprivate var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}
