import Lanes
import Synchronization

/// The connections of one pod to the others of its cluster: frames of bytes, each delivered once and in order to the
/// run of the peer that acknowledges it, sent again if a connection broke.
///
/// One lane keeps the sockets. Any thread may send frames; what arrives goes into one box per reader, whose lane is
/// woken and takes the frames in its turn. Everything is bounded: what waits for a peer (`SendResult.full`), and what
/// a peer may deliver before a reader takes it (its credit), so neither a peer that never reads nor one that never
/// stops can fill memory.
///
/// Make it on its lane or before the lane's start, and `close` it there.
/// `@unchecked Sendable` is safe: `loop` is touched on the lane only; all else is atomic or behind a lock.
public final class PeerMesh: @unchecked Sendable {
  public let figures = PeerFigures()
  /// Where it listens, for example `tcp://127.0.0.1:7000`.
  public let endpoint: String
  /// Its port.
  public let port: UInt16

  let loop: MeshLoop
  private let lane: Lane
  private let options: PeerOptions
  private let readers: [Mailbox<PeerFrame>]
  private let known = Guarded(Known())
  private let isReplacedFlag = Atomic<Bool>(false)
  private let isAcknowledgementPosted = Atomic<Bool>(false)

  private struct Known: Sendable {
    var peers: [String: Peer] = [:]
    var streams: UInt64 = 0
  }

  /// Listens, and knows nobody yet.
  ///
  /// - Parameter readers: the lanes that take frames, by their number; at least one.
  /// - Throws: `PeerFailure` if the options do not fit, certificates are missing off loopback or invalid, or the
  ///   address is taken.
  public init(_ lane: Lane, readers: [Lane], _ options: PeerOptions) throws(PeerFailure) {
    try options.check()
    guard !readers.isEmpty else { throw PeerFailure(code: .options, message: "there is no reader") }
    lane.assertOnLane()
    self.lane = lane
    self.options = options
    let limits = options.limits
    let framesMax =
      (limits.peersMax + 1) * PeerTraffic.allCases.count * (limits.windowBytes / PeerLimits.frameCostBytes + 1)
    self.readers = readers.map { Mailbox($0, messagesMax: framesMax) }
    loop = try MeshLoop(lane, options, figures, self.readers)
    port = try loop.open()
    endpoint = PeerAddress.endpoint(options.host, port)
    loop.belong(to: self)
  }

  /// Ends all connections. On the lane; what is queued is dropped, `send` refuses from then on.
  public func close() {
    lane.assertOnLane()
    let peers = known.withLock { known in
      let peers = known.peers
      known.peers = [:]
      return peers
    }
    for peer in peers.values { peer.content.withLock { $0.isForgotten = true } }
    loop.close()
  }

  // MARK: Peers

  /// Sets the other pods; those missing are forgotten with all that waits for them. From any thread.
  ///
  /// - Throws: `PeerFailure` if there are too many, or an address is invalid, or off loopback without certificates.
  public func follow(_ addresses: [PeerAddress]) throws(PeerFailure) {
    guard addresses.count <= options.limits.peersMax else {
      throw PeerFailure(code: .options, message: "more than \(options.limits.peersMax) peers")
    }
    for address in addresses {
      if let refusal = refusal(of: address) { throw refusal }
    }
    let wanted = Dictionary(addresses.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    let forgotten = known.withLock { known in
      let forgotten = known.peers.values.filter { wanted[$0.address.name] != $0.address }
      for peer in forgotten { known.peers[peer.address.name] = nil }
      for (name, address) in wanted where known.peers[name] == nil && name != options.identity.name {
        known.streams += 1
        known.peers[name] = Peer(address, stream: known.streams, options.limits, figures) { [weak self] in
          self?.wake($0)
        }
      }
      return forgotten
    }
    for peer in forgotten { peer.content.withLock { $0.isForgotten = true } }
    lane.post { [weak self] in
      guard let self else { return }
      self.loop.follow(self.peers)
    }
  }

  /// Why an address cannot be followed; nil if it can.
  public func refusal(of address: PeerAddress) -> PeerFailure? {
    guard PeerIdentity(name: address.name, incarnation: 0).isValid, !address.host.isEmpty, address.port > 0,
      address.host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ";") })
    else { return PeerFailure(code: .address, message: "no address: \(address)") }
    guard options.certificates != nil || address.isLoopback else {
      return PeerFailure(
        code: .certificatesRequired, message: "\(address) needs certificates: kassa keys creates them")
    }
    return nil
  }

  /// The most peers that can be followed.
  public var peersMax: Int { options.limits.peersMax }

  var peers: [String: Peer] { known.withLock { $0.peers } }

  /// The peer of that name, for sending to it repeatedly.
  public func peer(_ name: String) -> Peer? { known.withLock { $0.peers[name] } }

  /// The status of all peers, by name.
  public var statuses: [PeerStatus] { peers.values.map(\.status).sorted { $0.name < $1.name } }

  /// Whether a peer reported a newer pod of this one's name: then this one should end.
  public var isReplaced: Bool { isReplacedFlag.load(ordering: .relaxed) }

  func wasReplaced() { isReplacedFlag.store(true, ordering: .relaxed) }

  /// Posted even from the lane itself: what else its turn queues travels together.
  private func wake(_ peer: Peer) { lane.post { [weak self] in self?.loop.pump(peer) } }

  // MARK: Frames

  /// Queues a frame for the peer of that name: see `Peer.send`.
  public func send(
    _ frame: [UInt8], kind: UInt8, reader: UInt16 = 0, traffic: PeerTraffic = .requests, to name: String
  ) -> SendResult {
    peer(name)?.send(frame, kind: kind, reader: reader, traffic: traffic) ?? .unknownPeer
  }

  /// Takes all frames that arrived for a reader, oldest of each sender and traffic first. By the reader's lane only.
  ///
  /// - Parameter frames: what it contains is dropped; its memory is used again.
  public func takeFrames(reader: Int = 0, into frames: inout [PeerFrame]) {
    guard readers.indices.contains(reader) else { return frames.removeAll() }
    readers[reader].takeAll(into: &frames)
    let half = options.limits.windowBytes / 2
    var isAcknowledgementDue = false
    for frame in frames {
      let cost = frame.bytes.count + PeerLimits.frameCostBytes
      let outstanding = frame.credit.take(cost)
      // The sender may be waiting for credit: it is notified once when half of it is back.
      if outstanding <= half && outstanding + cost > half { isAcknowledgementDue = true }
    }
    guard isAcknowledgementDue, !isAcknowledgementPosted.exchange(true, ordering: .acquiringAndReleasing) else {
      return
    }
    let isPosted = lane.post { [weak self] in
      guard let self else { return }
      self.isAcknowledgementPosted.store(false, ordering: .releasing)
      self.loop.listener?.acknowledgeAll()
    }
    // The tick notifies it, too.
    if !isPosted { isAcknowledgementPosted.store(false, ordering: .releasing) }
  }
}
