/// What peers deliver here: all links made to this pod, and the streams that arrive on them. Events go in, actions
/// come out. Without clocks or I/O.
///
/// A link is one connection; a stream is what one run of one pod sends, over as many links as needed, one at a time.
struct IncomingLinks {
  typealias LinkID = UInt64

  enum Action: Hashable {
    case say(LinkID, [UInt8])
    /// The peer may send longer packets from now on.
    case trust(LinkID)
    case hangUp(LinkID)
    /// A newer run of this pod exists.
    case yield
    case count(PeerFigures.Counter)
  }

  private enum Phase: Hashable {
    /// Its hello has not arrived. Can transition to introduced, leaving.
    case stranger
    /// Can transition to leaving.
    case introduced(name: String)
    /// It was sent the reason; the peer hangs up, or is cut off later. Whatever it sends is ignored.
    case leaving
  }

  private struct Link {
    var phase = Phase.stranger
    let openedAt: UInt64
    var heardAt: UInt64
  }

  private struct Sender {
    let identity: PeerIdentity
    /// Which of the sender's streams it is.
    let stream: UInt64
    var attempt: UInt64
    var streams: PerTraffic<InboundStream>
    var link: LinkID?
    var heardAt: UInt64
  }

  private let limits: PeerLimits
  private let cluster: String
  private let identity: PeerIdentity
  private var links: [LinkID: Link] = [:]
  private var senders: [String: Sender] = [:]
  /// Senders to whom something that arrived is not acknowledged yet.
  private var touched: Set<String> = []
  /// Frames by reader, to be delivered together.
  private(set) var delivered: [[PeerFrame]]

  init(_ options: PeerOptions, readers: Int) {
    limits = options.limits
    cluster = options.cluster
    identity = options.identity
    delivered = (0..<max(readers, 1)).map { _ in [] }
  }

  /// Hands out one reader's frames, keeping their memory.
  mutating func takeDelivered(_ reader: Int, _ body: ([PeerFrame]) -> Void) {
    guard !delivered[reader].isEmpty else { return }
    body(delivered[reader])
    delivered[reader].removeAll(keepingCapacity: true)
  }

  // MARK: Links

  /// A connection was accepted.
  mutating func opened(_ link: LinkID, at now: UInt64) -> [Action] {
    links[link] = Link(openedAt: now, heardAt: now)
    let strangers = links.filter { isUnknown($0.value) }
    guard strangers.count > limits.strangersMax, let oldest = strangers.keys.min() else { return [] }
    return [.count(.failedHandshakes)] + drop(oldest)
  }

  private func isUnknown(_ link: Link) -> Bool {
    if case .introduced = link.phase { return false }
    return true
  }

  /// The connection is gone.
  mutating func ended(_ link: LinkID) -> [Action] {
    guard let gone = links.removeValue(forKey: link) else { return [] }
    if case .introduced(let name) = gone.phase, senders[name]?.link == link { senders[name]?.link = nil }
    return gone.phase == .stranger ? [.count(.failedHandshakes)] : []
  }

  private mutating func drop(_ link: LinkID) -> [Action] {
    if case .introduced(let name) = links[link]?.phase, senders[name]?.link == link { senders[name]?.link = nil }
    return links.removeValue(forKey: link) == nil ? [] : [.hangUp(link)]
  }

  private mutating func rubbish(_ link: LinkID) -> [Action] { [.count(.rubbishLinks)] + drop(link) }

  private mutating func refuse(_ link: LinkID, _ refusal: LinkRefusal) -> [Action] {
    if case .introduced(let name) = links[link]?.phase, senders[name]?.link == link { senders[name]?.link = nil }
    guard links[link] != nil else { return [] }
    links[link]?.phase = .leaving
    return [.count(.refusals), .say(link, Packet.refused(refusal))]
  }

  // MARK: Packets

  /// More arrived than a packet may hold.
  mutating func receivedTooMuch(on link: LinkID) -> [Action] { rubbish(link) }

  mutating func received(_ packet: UnsafeRawBufferPointer, on link: LinkID, at now: UInt64) -> [Action] {
    guard let phase = links[link]?.phase else { return [] }
    links[link]?.heardAt = now
    var cursor = ByteCursor(packet)
    let head = Packet.head(&cursor)
    switch (phase, head) {
    case (.leaving, _): return []
    case (.stranger, .otherVersion): return refuse(link, .otherVersion)
    case (.stranger, .kind(.hello)):
      guard let hello = Packet.readHello(&cursor) else { return rubbish(link) }
      return introduced(hello, link, now)
    case (.introduced(let name), .kind(.frames)):
      return frames(&cursor, name, now) ?? rubbish(link)
    case (.introduced(let name), .kind(.ping)) where cursor.rest == 0:
      senders[name]?.heardAt = now
      return acknowledge(name, ifAtLeast: .never)
    default: return rubbish(link)
    }
  }

  /// Counts what is skipped; nil for rubbish.
  private mutating func frames(_ cursor: inout ByteCursor, _ name: String, _ now: UInt64) -> [Action]? {
    guard var sender = senders[name], let code: UInt8 = cursor.number(), let traffic = PeerTraffic(rawValue: code),
      var number: UInt64 = cursor.number(), number > 0, cursor.rest > 0
    else { return nil }
    defer { senders[name] = sender }
    sender.heardAt = now
    touched.insert(name)
    var duplicates: [Action] = []
    while cursor.rest > 0 {
      guard let frame = OutgoingFrame(&cursor, bytesMax: limits.frameBytesMax) else { return nil }
      switch sender.streams[traffic].step(number, cost: frame.cost) {
      case .deliver:
        delivered[Int(frame.reader) % delivered.count].append(
          PeerFrame(
            sender: sender.identity, kind: frame.kind, bytes: frame.bytes, credit: sender.streams[traffic].credit))
      case .duplicate: duplicates.append(.count(.duplicateFrames))
      case .violation: return nil
      }
      number &+= 1
    }
    return duplicates
  }

  // MARK: Introductions

  private mutating func introduced(_ hello: Packet.Hello, _ link: LinkID, _ now: UInt64) -> [Action] {
    guard hello.cluster == cluster else { return refuse(link, .otherCluster) }
    if hello.from.name == identity.name { return twin(hello.from, link) }
    guard hello.to == identity.name else { return refuse(link, .otherPod) }
    guard let sender = senders[hello.from.name] else {
      guard senders.count < limits.peersMax || forgetOne(at: now) else { return refuse(link, .tooMany) }
      return welcome(hello, link, now, PerTraffic(requests: StreamCredit(), replies: StreamCredit()))
    }
    let credits = sender.streams.map(\.credit)
    let (old, new) = (sender.identity.incarnation, hello.from.incarnation)
    if new < old { return refuse(link, .replaced) }
    if new > old {
      let farewell = sender.link.map { refuse($0, .replaced) } ?? []
      return farewell + welcome(hello, link, now, credits)
    }
    // Only the newest dial counts; nobody waits for an answer to a late or repeated one.
    if (hello.stream, hello.attempt) <= (sender.stream, sender.attempt) { return [.count(.strayPackets)] + drop(link) }
    if hello.stream > sender.stream {
      return (sender.link.map { drop($0) } ?? []) + welcome(hello, link, now, credits)
    }
    for traffic in PeerTraffic.allCases
    where hello.firsts[traffic] > sender.streams[traffic].received &+ 1 { return rubbish(link) }
    return resume(sender, hello.attempt, link, now)
  }

  /// A stream whose link broke continues where it was.
  private mutating func resume(_ sender: Sender, _ attempt: UInt64, _ link: LinkID, _ now: UInt64) -> [Action] {
    let name = sender.identity.name
    let farewell = sender.link.map { drop($0) } ?? []
    senders[name]?.link = link
    senders[name]?.attempt = attempt
    senders[name]?.heardAt = now
    links[link]?.phase = .introduced(name: name)
    return farewell + sayWelcome(name)
  }

  private mutating func welcome(
    _ hello: Packet.Hello, _ link: LinkID, _ now: UInt64, _ credits: PerTraffic<StreamCredit>
  ) -> [Action] {
    let streams = PerTraffic(
      requests: InboundStream(first: hello.firsts[.requests], credit: credits[.requests]),
      replies: InboundStream(first: hello.firsts[.replies], credit: credits[.replies]))
    senders[hello.from.name] = Sender(
      identity: hello.from, stream: hello.stream, attempt: hello.attempt, streams: streams, link: link, heardAt: now)
    links[link]?.phase = .introduced(name: hello.from.name)
    return [.count(.welcomes)] + sayWelcome(hello.from.name)
  }

  private mutating func sayWelcome(_ name: String) -> [Action] {
    guard var sender = senders[name], let link = sender.link else { return [] }
    func position(_ traffic: PeerTraffic) -> Packet.Welcome.Position {
      defer { sender.streams[traffic].noteAcknowledgement() }
      return Packet.Welcome.Position(
        received: sender.streams[traffic].received, receivedCost: sender.streams[traffic].receivedCost,
        credit: sender.streams[traffic].renew(limits))
    }
    let positions = PerTraffic(requests: position(.requests), replies: position(.replies))
    senders[name] = sender
    return [
      .trust(link), .say(link, Packet.welcome(Packet.Welcome(incarnation: identity.incarnation, positions: positions))),
    ]
  }

  /// Another run of this pod, or itself: the newer one stays.
  private mutating func twin(_ other: PeerIdentity, _ link: LinkID) -> [Action] {
    if other.incarnation == identity.incarnation { return refuse(link, .itself) }
    guard other.incarnation > identity.incarnation else { return refuse(link, .replaced) }
    return [.yield] + refuse(link, .otherPod)
  }

  /// Makes room by forgetting the pod that has been gone longest, if for long enough.
  private mutating func forgetOne(at now: UInt64) -> Bool {
    let gone = senders.filter { $0.value.link == nil && now &- $0.value.heardAt >= limits.crowdedForgetMilliseconds }
    guard let oldest = gone.min(by: { $0.value.heardAt < $1.value.heardAt })?.key else { return false }
    senders[oldest] = nil
    touched.remove(oldest)
    return true
  }

  // MARK: Acknowledging

  /// Whether senders wait for an acknowledgement of what arrived from them.
  var isAcknowledgementDue: Bool { !touched.isEmpty }

  /// Sends word to those with a good part of their credit back; `acknowledgeAll` sends it to the others a little later.
  mutating func settle() -> [Action] { touched.reduce(into: []) { $0 += acknowledge($1, ifAtLeast: .now) } }

  /// Sends word to everyone who lacks news.
  mutating func acknowledgeAll() -> [Action] {
    senders.keys.reduce(into: []) { $0 += acknowledge($1, ifAtLeast: .soon) }
  }

  private mutating func acknowledge(_ name: String, ifAtLeast least: InboundStream.Urgency) -> [Action] {
    guard var sender = senders[name], let link = sender.link else {
      touched.remove(name)
      return []
    }
    let urgency = PeerTraffic.allCases.map { sender.streams[$0].urgency(limits) }.max() ?? .never
    guard urgency >= least else { return [] }
    let received = sender.streams.map { Packet.Received(number: $0.received, credit: $0.grant) }
    for traffic in PeerTraffic.allCases { sender.streams[traffic].noteAcknowledgement() }
    senders[name] = sender
    touched.remove(name)
    return [.say(link, Packet.received(received))]
  }

  // MARK: Time

  /// Ends links that are too slow or silent, forgets gone pods, and returns credit.
  mutating func tick(at now: UInt64) -> [Action] {
    var actions: [Action] = []
    for (id, link) in links {
      let isLate = isUnknown(link) && now &- link.openedAt >= limits.handshakeMilliseconds
      guard isLate || now &- link.heardAt >= limits.silentMilliseconds else { continue }
      if link.phase == .stranger { actions.append(.count(.failedHandshakes)) }
      actions += drop(id)
    }
    for (name, sender) in senders where sender.link == nil && now &- sender.heardAt >= limits.forgetMilliseconds {
      senders[name] = nil
      touched.remove(name)
    }
    return actions + acknowledgeAll()
  }
}
