import Clocks
import Glibc

/// The connections of a run, kept from phase to phase. Confined to one thread.
final class ConnectionPool {
  let address: ServerAddress
  let poller: Poller
  private(set) var connections: [ClientConnection]

  /// Opens `count` connections and waits until all are established.
  /// - Throws: `LoadError` if one is not within `seconds`; it says why.
  init(to address: ServerAddress, count: Int, withinSeconds seconds: Double) throws(LoadError) {
    self.address = address
    poller = try Poller()
    connections = (0..<count).map { ClientConnection(index: $0) }
    let deadline = MonotonicClock.nanoseconds + .nanoseconds(seconds)
    for connection in connections where !connection.open(to: address, poller: poller) {
      throw Self.cannotConnect(address, opened: connection.index)
    }
    while true {
      var established = 0
      for connection in connections {
        if connection.state == .idle {
          established += 1
        } else if connection.finishConnecting() == false {
          throw Self.cannotConnect(address, opened: established)
        }
      }
      if established == count { return }
      if MonotonicClock.nanoseconds >= deadline { throw Self.cannotConnect(address, opened: established) }
      poller.poll(nanoseconds: LoadLimits.tickNanoseconds) { _ in }
    }
  }

  private static func cannotConnect(_ address: ServerAddress, opened: Int) -> LoadError {
    LoadError("cannot open a connection to http://\(address.authority) after \(opened) that could be opened")
  }
}

/// The intended starts of arrivals waiting for a connection: a ring, bounded by `LoadLimits.arrivalsWaitingMax`.
struct ArrivalQueue {
  private var ring: [Int64] = []
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var first: Int64? { isEmpty ? nil : ring[head] }

  /// False if the queue is full.
  mutating func append(_ start: Int64) -> Bool {
    guard count < LoadLimits.arrivalsWaitingMax else { return false }
    if ring.isEmpty { ring = [Int64](repeating: 0, count: LoadLimits.arrivalsWaitingMax) }
    ring[(head + count) % ring.count] = start
    count += 1
    return true
  }

  mutating func removeFirst() {
    guard count > 0 else { return }
    head = (head + 1) % ring.count
    count -= 1
  }
}
