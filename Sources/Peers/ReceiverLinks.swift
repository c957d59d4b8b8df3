import CZeroMQ
import Lanes

/// The ROUTER on which all peers deliver their frames. Lane-confined.
///
/// A link is one connection, named by ZeroMQ; a stream is what one pod sends, over as many links as it takes, one at
/// a time. ZeroMQ drops connections that speak another protocol or send too long a message; it has no way to drop one
/// on our word, so a link that sends rubbish of our own protocol is ignored from then on.
final class ReceiverLinks {
  private struct Sender {
    var stream: InboundStream
    var link: [UInt8]
    var heardAt: UInt64
  }

  private let loop: MeshLoop
  private let socket: ZeroMQSocket
  private var watch: FileWatch?
  private var senders: [String: Sender] = [:]
  /// The pod that introduced itself on a link.
  private var names: [[UInt8]: String] = [:]
  private var ignored: Set<[UInt8]> = []
  /// Frames taken in this turn, by reader; handed over together.
  private var taken: [[PeerFrame]]
  private var touched: Set<String> = []
  /// Where it listens.
  let endpoint: String

  private var limits: PeerLimits { loop.options.limits }
  private var figures: PeerFigures { loop.figures }

  init(_ loop: MeshLoop) throws(PeerFailure) {
    self.loop = loop
    taken = loop.readers.map { _ in [] }
    socket = try ZeroMQSocket(loop.context, ZMQ_ROUTER)
    try loop.setBounds(of: socket)
    // A send to a link that is gone, or whose queue is full, is told, not dropped in silence.
    try socket.set(ZMQ_ROUTER_MANDATORY, 1)
    if let keys = loop.options.keys {
      try socket.set(ZMQ_CURVE_SERVER, 1)
      try socket.set(ZMQ_CURVE_SECRETKEY, keys.secretKey.text)
      try socket.set(ZMQ_ZAP_DOMAIN, "kassa")
    }
    try loop.watchHandshakes(of: socket)
    try socket.bind(PeerAddress.endpoint(loop.options.host, loop.options.port))
    endpoint = socket.lastEndpoint
    do {
      watch = try loop.lane.watch(socket.descriptor, for: .readable) { _ in self.service() }
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

  /// Takes what came, hands it to the readers, and acknowledges each sender once.
  func service() {
    guard watch != nil else { return }
    var budget = limits.packetsPerTurnMax
    repeat {
      while budget > 0, receive() { budget -= 1 }
      budget -= 1
      handOver()
      for name in touched { tell(name, isAsked: false) }
      touched.removeAll(keepingCapacity: true)
    } while budget > 0 && socket.isReadable
    if budget <= 0 { loop.lane.post { [weak mesh = loop.mesh] in mesh?.loop.receivers?.service() } }
  }

  private func handOver() {
    for index in taken.indices where !taken[index].isEmpty {
      figures.add(taken[index].count, to: .framesReceived)
      // Credits keep the box from filling; it is as long as all of them together.
      _ = loop.readers[index].post(taken[index])
      taken[index].removeAll(keepingCapacity: true)
    }
  }

  // MARK: Receiving

  /// Takes one message; false when there is none.
  private func receive() -> Bool {
    var hasMore = false
    guard
      let link = socket.receive({ bytes, more in
        hasMore = more
        return Array(bytes)
      })
    else { return false }
    guard hasMore else { return true }
    let isIgnored = ignored.contains(link)
    var isRight = socket.receive { bytes, more in
      hasMore = more
      return isIgnored || more || self.received(bytes, link)
    }
    while hasMore, socket.receive({ hasMore = $1 }) != nil { isRight = isIgnored }
    figures.add(to: .packetsReceived)
    if isRight != true { ignore(link) }
    return true
  }

  /// Returns false for rubbish.
  private func received(_ bytes: UnsafeRawBufferPointer, _ link: [UInt8]) -> Bool {
    // The probe of a new connection.
    guard bytes.count > 0 else {
      say(Packet.start(.who), link)
      return true
    }
    var cursor = ByteCursor(bytes)
    switch Packet.head(&cursor) {
    case .otherVersion:
      refuse(link, .otherVersion)
      return true
    case .kind(.hello):
      guard let hello = Packet.readHello(&cursor) else { return false }
      return introduced(hello, link)
    case .kind(.frames): return frames(&cursor, link)
    case .kind(.ping):
      guard cursor.rest == 0 else { return false }
      guard let name = names[link] else { return stray(link) }
      senders[name]?.heardAt = loop.lane.now
      tell(name, isAsked: true)
      return true
    default: return false
    }
  }

  private func frames(_ cursor: inout ByteCursor, _ link: [UInt8]) -> Bool {
    guard let name = names[link], var sender = senders[name] else { return stray(link) }
    guard var number: UInt64 = cursor.number(), number > 0 else { return false }
    defer { senders[name] = sender }
    sender.heardAt = loop.lane.now
    touched.insert(name)
    while cursor.rest > 0 {
      guard let frame = OutgoingFrame(&cursor, bytesMax: limits.frameBytesMax) else { return false }
      switch sender.stream.step(number, cost: frame.cost) {
      case .deliver:
        taken[Int(frame.reader) % taken.count].append(
          PeerFrame(sender: sender.stream.sender, kind: frame.kind, bytes: frame.bytes, credit: sender.stream.credit))
      case .duplicate: figures.add(to: .duplicateFrames)
      case .violation: return false
      }
      number &+= 1
    }
    return true
  }

  /// Packets of a link that is not introduced, or not yet again: it is asked to.
  private func stray(_ link: [UInt8]) -> Bool {
    figures.add(to: .strayPackets)
    say(Packet.start(.who), link)
    return true
  }

  private func ignore(_ link: [UInt8]) {
    figures.add(to: .rubbishLinks)
    if ignored.count >= limits.ignoredLinksMax { ignored.removeAll() }
    ignored.insert(link)
    if let name = names.removeValue(forKey: link), senders[name]?.link == link { senders[name]?.link = [] }
  }

  // MARK: Introductions

  private func introduced(_ hello: Packet.Hello, _ link: [UInt8]) -> Bool {
    guard hello.cluster == loop.options.cluster else { return refuse(link, .otherCluster) }
    guard hello.to == loop.options.identity.name else { return refuse(link, .otherPod) }
    if hello.from.name == loop.options.identity.name { return twin(hello.from, link) }
    let name = hello.from.name
    guard var sender = senders[name] else {
      guard senders.count < limits.peersMax else { return refuse(link, .tooMany) }
      welcome(hello, link, StreamCredit())
      return true
    }
    let (old, new) = (sender.stream.sender.incarnation, hello.from.incarnation)
    if new < old { return refuse(link, .replaced) }
    if new > old {
      if !sender.link.isEmpty { _ = refuse(sender.link, .replaced) }
      welcome(hello, link, sender.stream.credit)
      return true
    }
    if hello.stream < sender.stream.number { return stray(link) }
    if hello.stream > sender.stream.number {
      welcome(hello, link, sender.stream.credit)
      return true
    }
    guard hello.first <= sender.stream.received &+ 1 else { return false }
    unname(sender.link)
    sender.link = link
    sender.heardAt = loop.lane.now
    senders[name] = sender
    names[link] = name
    sayWelcome(name)
    return true
  }

  private func welcome(_ hello: Packet.Hello, _ link: [UInt8], _ credit: StreamCredit) {
    if let old = senders[hello.from.name]?.link { unname(old) }
    let stream = InboundStream(hello.from, number: hello.stream, first: hello.first, credit: credit)
    senders[hello.from.name] = Sender(stream: stream, link: link, heardAt: loop.lane.now)
    names[link] = hello.from.name
    figures.add(to: .welcomes)
    sayWelcome(hello.from.name)
  }

  private func sayWelcome(_ name: String) {
    guard var sender = senders[name] else { return }
    let welcome = Packet.Welcome(
      incarnation: loop.options.identity.incarnation, received: sender.stream.received,
      receivedCost: sender.stream.receivedCost, credit: sender.stream.renew(limits))
    if say(Packet.welcome(welcome), sender.link) { sender.stream.told() }
    senders[name] = sender
  }

  /// Another run of this pod: the newer one stays.
  private func twin(_ other: PeerIdentity, _ link: [UInt8]) -> Bool {
    guard other.incarnation > loop.options.identity.incarnation else { return refuse(link, .replaced) }
    loop.replaced()
    return refuse(link, .otherPod)
  }

  private func unname(_ link: [UInt8]) { names.removeValue(forKey: link) }

  @discardableResult
  private func refuse(_ link: [UInt8], _ refusal: LinkRefusal) -> Bool {
    figures.add(to: .refusals)
    unname(link)
    say(Packet.refused(refusal), link)
    return true
  }

  // MARK: Saying

  /// Returns whether ZeroMQ took it: the link may be gone, or not read.
  @discardableResult
  private func say(_ packet: [UInt8], _ link: [UInt8]) -> Bool {
    socket.send(link, hasMore: true) == .sent && socket.send(packet) == .sent
  }

  /// Tells a sender what was received and up to where it may go.
  private func tell(_ name: String, isAsked: Bool) {
    guard var sender = senders[name], !sender.link.isEmpty else { return }
    guard sender.stream.isTellingDue(limits) || isAsked else { return }
    let packet = Packet.received(sender.stream.received, credit: sender.stream.renew(limits))
    if say(packet, sender.link) { sender.stream.told() }
    senders[name] = sender
  }

  // MARK: Time

  /// Tells all whose credit came back.
  func tellAll() {
    for name in senders.keys { tell(name, isAsked: false) }
    service()
  }

  func tick(_ now: UInt64) {
    for (name, sender) in senders where now &- sender.heardAt >= limits.forgetMilliseconds {
      unname(sender.link)
      senders[name] = nil
    }
    tellAll()
  }
}
