import Model

/// Replies for other pods that could not be queued yet: the map does not know the pod that asked, or too much waits for
/// it already. Lane-confined.
struct UnsentReplies {
  struct Reply {
    /// Counts from 1.
    let number: UInt64
    let peer: LaneCluster.PeerLane
    let message: PeerMessage
    /// When its client's deadline is over, by the lane's clock.
    let until: UInt64
  }

  private var replies: [Reply] = []
  private let repliesMax: Int
  /// The number of the newest that was ever kept.
  private(set) var newest: UInt64 = 0

  init(repliesMax: Int) {
    self.repliesMax = repliesMax
  }

  var isEmpty: Bool { replies.isEmpty }

  /// Whether all up to a number have been sent or given up.
  func areGone(through number: UInt64) -> Bool { replies.first.map { $0.number > number } ?? true }

  /// Keeps a reply; gives up the oldest one when there are too many. Returns how many were given up.
  mutating func add(_ message: PeerMessage, to peer: LaneCluster.PeerLane, until: UInt64) -> Int {
    newest += 1
    replies.append(Reply(number: newest, peer: peer, message: message, until: until))
    guard replies.count > repliesMax else { return 0 }
    // A tenth at a time, as what stands behind has to move.
    let count = max(1, repliesMax / 10)
    replies.removeFirst(count)
    return count
  }

  /// Tries all again, each pod's together and in their order. Returns how many were given up.
  ///
  /// - Parameters:
  ///   - isExpected: whether a pod is known, or may yet be.
  ///   - send: queues messages; says whether it could.
  mutating func retry(
    at now: UInt64, isExpected: (UInt64) -> Bool, send: (LaneCluster.PeerLane, [PeerMessage]) -> Bool
  ) -> Int {
    let before = replies.count
    replies.removeAll { $0.until <= now || !isExpected($0.peer.incarnation) }
    let lost = before - replies.count
    var messages: [LaneCluster.PeerLane: [PeerMessage]] = [:]
    for reply in replies { messages[reply.peer, default: []].append(reply.message) }
    let sent = Set(messages.filter { send($0.key, $0.value) }.keys)
    if !sent.isEmpty { replies.removeAll { sent.contains($0.peer) } }
    return lost
  }
}
