/// What travels on a link, as one ZeroMQ message each. All numbers are little-endian.
///
///     "KP" version type …
///
///     who      ◄  a connection began: introduce yourself
///     hello    ►  cluster, the meant pod's name, own name, incarnation, stream, number of
///                 the first frame kept
///     welcome  ◄  own incarnation, number of the last frame received, bytes received, credit
///     refused  ◄  why
///     frames   ►  number of the first, then (reader, kind, length, bytes) each
///     received ◄  number of the last frame received, credit
///     ping     ►  answered by `received`
///
/// ► from the pod that sends frames (its DEALER), ◄ from the pod that takes them (its ROUTER). Numbers count the
/// frames of one sender to one receiver from 1; credit counts their cost in bytes the same way, and says up to where
/// the sender may go.
enum Packet {
  static let version: UInt8 = 1
  static let headBytes = 4
  static let clusterBytesMax = 128

  enum Kind: UInt8 {
    case who = 1
    case hello, welcome, refused, frames, received, ping
  }

  struct Hello: Hashable {
    var cluster: String
    var to: String
    var from: PeerIdentity
    /// Counts the streams that this run of the sender began to this pod; numbers begin anew with each.
    var stream: UInt64
    var first: UInt64
  }

  struct Welcome: Hashable {
    var incarnation: UInt64
    var received: UInt64
    var receivedCost: UInt64
    var credit: UInt64
  }

  /// What a head says.
  enum Head: Hashable {
    case kind(Kind)
    case otherVersion
    case rubbish
  }

  static func head(_ cursor: inout ByteCursor) -> Head {
    guard let k: UInt8 = cursor.number(), let p: UInt8 = cursor.number(), k == UInt8(ascii: "K"),
      p == UInt8(ascii: "P"),
      let version: UInt8 = cursor.number(), let type: UInt8 = cursor.number()
    else { return .rubbish }
    guard version == Self.version else { return .otherVersion }
    guard let kind = Kind(rawValue: type) else { return .rubbish }
    return .kind(kind)
  }

  static func start(_ kind: Kind) -> [UInt8] { [UInt8(ascii: "K"), UInt8(ascii: "P"), version, kind.rawValue] }

  static func hello(_ hello: Hello) -> [UInt8] {
    var bytes = start(.hello)
    bytes.append(text: hello.cluster)
    bytes.append(text: hello.to)
    bytes.append(text: hello.from.name)
    bytes.append(number: hello.from.incarnation)
    bytes.append(number: hello.stream)
    bytes.append(number: hello.first)
    return bytes
  }

  static func readHello(_ cursor: inout ByteCursor) -> Hello? {
    guard let cluster = cursor.text(), let to = cursor.text(), let name = cursor.text(),
      let incarnation: UInt64 = cursor.number(), let stream: UInt64 = cursor.number(),
      let first: UInt64 = cursor.number(), cursor.rest == 0, first > 0
    else { return nil }
    let from = PeerIdentity(name: name, incarnation: incarnation)
    return from.isValid ? Hello(cluster: cluster, to: to, from: from, stream: stream, first: first) : nil
  }

  static func welcome(_ welcome: Welcome) -> [UInt8] {
    var bytes = start(.welcome)
    for number in [welcome.incarnation, welcome.received, welcome.receivedCost, welcome.credit] {
      bytes.append(number: number)
    }
    return bytes
  }

  static func readWelcome(_ cursor: inout ByteCursor) -> Welcome? {
    guard let incarnation: UInt64 = cursor.number(), let received: UInt64 = cursor.number(),
      let cost: UInt64 = cursor.number(), let credit: UInt64 = cursor.number(), cursor.rest == 0
    else { return nil }
    return Welcome(incarnation: incarnation, received: received, receivedCost: cost, credit: credit)
  }

  static func refused(_ refusal: LinkRefusal) -> [UInt8] { start(.refused) + [refusal.rawValue] }

  static func received(_ number: UInt64, credit: UInt64) -> [UInt8] {
    var bytes = start(.received)
    bytes.append(number: number)
    bytes.append(number: credit)
    return bytes
  }

  static func readReceived(_ cursor: inout ByteCursor) -> (number: UInt64, credit: UInt64)? {
    guard let number: UInt64 = cursor.number(), let credit: UInt64 = cursor.number(), cursor.rest == 0 else {
      return nil
    }
    return (number, credit)
  }
}

/// One frame as it is queued and sent.
struct OutgoingFrame: Hashable, Sendable {
  static let headBytes = 7

  var reader: UInt16
  var kind: UInt8
  var bytes: [UInt8]
  /// When it was queued here, in the monotonic clock's milliseconds; does not travel.
  var queuedAt: UInt64 = 0

  /// What it counts against credits and bounds.
  var cost: Int { bytes.count + PeerLimits.frameCostBytes }

  func append(to packet: inout [UInt8]) {
    packet.append(number: reader)
    packet.append(kind)
    packet.append(number: UInt32(truncatingIfNeeded: bytes.count))
    packet.append(contentsOf: bytes)
  }

  init(reader: UInt16, kind: UInt8, bytes: [UInt8]) {
    self.reader = reader
    self.kind = kind
    self.bytes = bytes
  }

  init?(_ cursor: inout ByteCursor, bytesMax: Int) {
    guard let reader: UInt16 = cursor.number(), let kind: UInt8 = cursor.number(), let count: UInt32 = cursor.number(),
      count <= bytesMax, let bytes = cursor.bytes(Int(count))
    else { return nil }
    self.init(reader: reader, kind: kind, bytes: bytes)
  }
}
