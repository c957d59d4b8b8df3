/// Frames from here to one peer: numbered, kept until they are acknowledged, sent within the peer's credit.
///
/// A value without clocks or I/O. `frames[head...]` are kept; the first `sent` of them went out on the link that is up.
struct OutboundStream: Sendable {
  private var frames: [OutgoingFrame] = []
  private var head = 0
  /// The number of the oldest frame kept, or of the next one.
  private(set) var first: UInt64 = 1
  private var sent = 0
  private(set) var queuedBytes = 0
  /// The cost of all frames sent, as the peer counts it, and the limit for it.
  private var sentCost: UInt64 = 0
  private var credit: UInt64 = 0
  /// Whether the peer has welcomed the present link.
  private(set) var isOpen = false

  var count: Int { frames.count - head }
  /// The number of the newest frame that was ever added; 0 before the first.
  var newest: UInt64 { first &+ UInt64(count) &- 1 }

  /// Whether this many frames of this total cost can be kept in addition.
  func hasRoom(frames: Int, cost: Int, _ limits: PeerLimits) -> Bool {
    frames <= limits.queueFramesMax - count && cost <= limits.queueBytesMax - queuedBytes
  }

  /// Keeps a frame; false if there is no room.
  mutating func add(_ frame: OutgoingFrame, _ limits: PeerLimits) -> Bool {
    guard hasRoom(frames: 1, cost: frame.cost, limits) else { return false }
    frames.append(frame)
    queuedBytes += frame.cost
    return true
  }

  /// A new link: nothing is sent until its welcome.
  mutating func interrupt() { isOpen = false }

  /// The peer reports what it has; all after it is sent again. Returns false for impossible numbers.
  mutating func welcome(_ welcome: Packet.Welcome.Position) -> Bool {
    // A peer that knows this stream has at least what it acknowledged, and at most what was sent to it.
    guard drop(through: welcome.received) else { return false }
    guard welcome.received &+ 1 == first else { return false }
    sent = 0
    sentCost = welcome.receivedCost
    credit = welcome.credit
    isOpen = true
    return true
  }

  /// Drops what the peer has. Returns false for impossible numbers.
  mutating func acknowledge(_ number: UInt64, credit: UInt64) -> Bool {
    guard isOpen else { return true }
    guard drop(through: number) else { return false }
    self.credit = max(self.credit, credit)
    return true
  }

  /// `number` may range from one before `first`, which says nothing new, to the last frame ever sent.
  private mutating func drop(through number: UInt64) -> Bool {
    let (ahead, isBehind) = number.subtractingReportingOverflow(first &- 1)
    guard !isBehind else { return true }
    guard ahead <= UInt64(count) else { return false }
    let dropped = Int(ahead)
    for index in head..<head + dropped {
      queuedBytes -= frames[index].cost
      frames[index].bytes = []
    }
    head += dropped
    first &+= ahead
    sent = max(sent - dropped, 0)
    if head == frames.count || head >= 1_024 && head * 2 >= frames.count {
      frames.removeFirst(head)
      head = 0
    }
    return true
  }

  /// Appends the next packet that the credit allows; false if there is none.
  mutating func appendPacket(of traffic: PeerTraffic, to bytes: inout [UInt8], _ limits: PeerLimits) -> Bool {
    guard isOpen, sent < count, allows(frames[head + sent]) else { return false }
    let start = bytes.count
    Packet.append(.frames, to: &bytes) { bytes in
      bytes.append(traffic.rawValue)
      bytes.append(number: first &+ UInt64(sent))
      let begin = bytes.count
      while sent < count {
        let frame = frames[head + sent]
        let isTooMuch = bytes.count - start + OutgoingFrame.headBytes + frame.bytes.count > limits.packetBytesMax
        guard allows(frame), bytes.count == begin || !isTooMuch else { break }
        frame.append(to: &bytes)
        sentCost &+= UInt64(frame.cost)
        sent += 1
      }
    }
    return true
  }

  private func allows(_ frame: OutgoingFrame) -> Bool {
    let (after, overflow) = sentCost.addingReportingOverflow(UInt64(frame.cost))
    return !overflow && after <= credit
  }
}
