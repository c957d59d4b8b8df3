import CMicroHTTPD
import Glibc
import Lanes

/// The connections of one lane that wait for their client, the one idle for longest first. Shared: any lane may close
/// one of another's to make room for a newcomer.
///
/// A queued connection's socket is open: the connection leaves its queues before the library closes the socket.
final class IdleConnections: Sendable {
  private struct Queues {
    let all = IdleQueue()
    var byAddress: [PeerAddress: IdleQueue] = [:]

    func queue(of address: PeerAddress?) -> IdleQueue? {
      guard let address else { return all }
      return byAddress[address]
    }
  }

  private let queues = Guarded(Queues())

  /// Queues a new connection that has sent nothing.
  func open(socket: Int32, address: PeerAddress, now: UInt64) -> IdlePlace {
    queues.withLock { queues in
      let queue = queues.byAddress[address] ?? IdleQueue()
      queues.byAddress[address] = queue
      queue.connections += 1
      let place = IdlePlace(socket: socket, address: address, queue: queue)
      place.enter(queues.all, since: now, bytesTaken: 0)
      return place
    }
  }

  /// Queues a connection that waits for its client's next request.
  /// - Parameter bytesTaken: what has arrived and belongs to earlier requests.
  func idle(_ place: IdlePlace, since: UInt64, bytesTaken: UInt64) {
    queues.withLock { queues in
      place.leave(queues.all)
      place.enter(queues.all, since: since, bytesTaken: bytesTaken)
    }
  }

  /// A request has begun. Returns whether the connection was displaced before.
  func busy(_ place: IdlePlace) -> Bool {
    queues.withLock { queues in
      place.leave(queues.all)
      return place.isDisplaced
    }
  }

  /// Forgets a connection before its socket is closed. Returns whether it was displaced.
  func close(_ place: IdlePlace) -> Bool {
    queues.withLock { queues in
      place.leave(queues.all)
      place.queue.connections -= 1
      if place.queue.connections == 0 { queues.byAddress[place.address] = nil }
      return place.isDisplaced
    }
  }

  /// Since when the connection idle for longest is so, of all or of one address; nil if none is idle.
  func longestIdle(of address: PeerAddress?) -> UInt64? {
    queues.withLock { $0.queue(of: address)?.longest?.place?.since }
  }

  /// Shuts down the connection idle for longest, of all or of one address, and returns its address. nil if none has
  /// been idle since `latest`: what has sent something in the meantime has not.
  func displace(of address: PeerAddress?, idleSince latest: UInt64) -> PeerAddress? {
    queues.withLock { queues in
      while let place = queues.queue(of: address)?.longest?.place, place.since <= latest {
        place.leave(queues.all)
        guard kassa_socket_bytes_received(place.socket) <= place.bytesTaken else { continue }
        place.isDisplaced = true
        shutdown(place.socket, Int32(SHUT_RDWR))
        return place.address
      }
      return nil
    }
  }
}

/// One connection's place in the queues of its lane. `@unchecked Sendable` is safe: whatever changes is touched under
/// the lock of `IdleConnections` only.
final class IdlePlace: @unchecked Sendable {
  fileprivate let socket: Int32
  fileprivate let address: PeerAddress
  /// That of its address.
  fileprivate let queue: IdleQueue
  fileprivate var since: UInt64 = 0
  fileprivate var bytesTaken: UInt64 = 0
  /// It was closed to make room; it never becomes idle again.
  fileprivate var isDisplaced = false
  private var isQueued = false
  private let ofAll = IdleNode()
  private let ofAddress = IdleNode()

  fileprivate init(socket: Int32, address: PeerAddress, queue: IdleQueue) {
    self.socket = socket
    self.address = address
    self.queue = queue
    ofAll.place = self
    ofAddress.place = self
  }

  fileprivate func enter(_ all: IdleQueue, since: UInt64, bytesTaken: UInt64) {
    guard !isQueued, !isDisplaced else { return }
    isQueued = true
    self.since = since
    self.bytesTaken = bytesTaken
    all.append(ofAll)
    queue.append(ofAddress)
  }

  fileprivate func leave(_ all: IdleQueue) {
    guard isQueued else { return }
    isQueued = false
    all.remove(ofAll)
    queue.remove(ofAddress)
  }
}

private final class IdleNode {
  /// It owns the node.
  weak var place: IdlePlace?
  var longer: IdleNode?
  var shorter: IdleNode?
}

/// Idle connections in the order in which they became so. A removed node refers to nothing, so that none keeps another
/// alive.
private final class IdleQueue {
  private(set) var longest: IdleNode?
  private var shortest: IdleNode?
  /// Of its address, idle or not.
  var connections = 0

  func append(_ node: IdleNode) {
    node.longer = shortest
    shortest?.shorter = node
    shortest = node
    if longest == nil { longest = node }
  }

  func remove(_ node: IdleNode) {
    if let longer = node.longer { longer.shorter = node.shorter } else { longest = node.shorter }
    if let shorter = node.shorter { shorter.longer = node.longer } else { shortest = node.longer }
    (node.longer, node.shorter) = (nil, nil)
  }
}
