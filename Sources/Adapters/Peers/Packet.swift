/// What travels on a link: packets after their length in four bytes. All numbers are little-endian.
///
///     length "KP" version type …
///
///     hello    ►  cluster, the meant pod's name, own name, incarnation, stream, attempt,
///                 for each traffic the number of the first frame kept
///     welcome  ◄  own incarnation; for each traffic the number of the last frame received, its cost, credit
///     refused  ◄  why
///     frames   ►  traffic, number of the first, then (reader, kind, length, bytes) each
///     received ◄  for each traffic the number of the last frame received, credit
///     ping     ►  answered by `received`
///
/// ► from the pod that sends frames, which dialled; ◄ from the pod that takes them. The first packet of a link is its
/// hello. Numbers count the frames of one sender to one receiver and of one traffic from 1; credit counts their cost in
/// bytes the same way, and limits how far the sender may go. Length, "KP", version, `hello` as type 1 and `refused` as
/// type 3 stay as they are in every version, so that another version can be refused in words it reads.
enum Packet {
  static let version: UInt8 = 2
  static let lengthBytes = 4
  static let headBytes = 4
  static let clusterBytesMax = 255
  /// For a hello, and so for everything before a welcome; a later version's may be longer than today's.
  static let helloBytesMax = 4_096

  enum Kind: UInt8 {
    case hello = 1
    case welcome, refused, frames, received, ping
  }

  struct Hello: Hashable {
    var cluster: String
    var to: String
    var from: PeerIdentity
    /// Counts the streams that this run of the sender began to this pod; numbers start over with each.
    var stream: UInt64
    /// Counts the dials of a stream: a late or repeated hello is older than the one that counts.
    var attempt: UInt64
    var firsts: PerTraffic<UInt64>
  }

  struct Received: Hashable {
    var number: UInt64
    var credit: UInt64
  }

  struct Welcome: Hashable {
    struct Position: Hashable {
      var received: UInt64
      var receivedCost: UInt64
      var credit: UInt64
    }

    var incarnation: UInt64
    var positions: PerTraffic<Position>
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

  // MARK: Writing

  /// Appends a packet: the length of what `body` appends, and then that.
  static func append(_ kind: Kind, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void = { _ in }) {
    let start = bytes.count
    bytes.append(number: UInt32(0))
    bytes.append(contentsOf: [UInt8(ascii: "K"), UInt8(ascii: "P"), version, kind.rawValue])
    body(&bytes)
    let length = UInt32(truncatingIfNeeded: bytes.count - start - lengthBytes)
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: length.littleEndian, toByteOffset: start, as: UInt32.self)
    }
  }

  private static func packet(_ kind: Kind, _ body: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
    var bytes: [UInt8] = []
    append(kind, to: &bytes, body)
    return bytes
  }

  static func hello(_ hello: Hello) -> [UInt8] {
    packet(.hello) { bytes in
      bytes.append(text: hello.cluster)
      bytes.append(text: hello.to)
      bytes.append(text: hello.from.name)
      for number in [hello.from.incarnation, hello.stream, hello.attempt] { bytes.append(number: number) }
      for traffic in PeerTraffic.allCases { bytes.append(number: hello.firsts[traffic]) }
    }
  }

  static func welcome(_ welcome: Welcome) -> [UInt8] {
    packet(.welcome) { bytes in
      bytes.append(number: welcome.incarnation)
      for traffic in PeerTraffic.allCases {
        let position = welcome.positions[traffic]
        for number in [position.received, position.receivedCost, position.credit] { bytes.append(number: number) }
      }
    }
  }

  static func refused(_ refusal: LinkRefusal) -> [UInt8] { packet(.refused) { $0.append(refusal.rawValue) } }

  static func received(_ received: PerTraffic<Received>) -> [UInt8] {
    packet(.received) { bytes in
      for traffic in PeerTraffic.allCases {
        bytes.append(number: received[traffic].number)
        bytes.append(number: received[traffic].credit)
      }
    }
  }

  static var ping: [UInt8] { packet(.ping) }

  // MARK: Reading, after the head

  static func readHello(_ cursor: inout ByteCursor) -> Hello? {
    guard let cluster = cursor.text(), let to = cursor.text(), let name = cursor.text(),
      let incarnation: UInt64 = cursor.number(), let stream: UInt64 = cursor.number(),
      let attempt: UInt64 = cursor.number(),
      let firsts = PerTraffic<UInt64>({ cursor.number() }), cursor.rest == 0,
      PeerTraffic.allCases.allSatisfy({ firsts[$0] > 0 })
    else { return nil }
    let from = PeerIdentity(name: name, incarnation: incarnation)
    guard from.isValid else { return nil }
    return Hello(cluster: cluster, to: to, from: from, stream: stream, attempt: attempt, firsts: firsts)
  }

  static func readWelcome(_ cursor: inout ByteCursor) -> Welcome? {
    guard let incarnation: UInt64 = cursor.number(),
      let positions = PerTraffic<Welcome.Position>({
        guard let received: UInt64 = cursor.number(), let cost: UInt64 = cursor.number(),
          let credit: UInt64 = cursor.number()
        else { return nil }
        return Welcome.Position(received: received, receivedCost: cost, credit: credit)
      }), cursor.rest == 0
    else { return nil }
    return Welcome(incarnation: incarnation, positions: positions)
  }

  static func readReceived(_ cursor: inout ByteCursor) -> PerTraffic<Received>? {
    let received = PerTraffic<Received>({
      guard let number: UInt64 = cursor.number(), let credit: UInt64 = cursor.number() else { return nil }
      return Received(number: number, credit: credit)
    })
    return cursor.rest == 0 ? received : nil
  }
}

/// One frame as it is queued and sent.
struct OutgoingFrame: Hashable, Sendable {
  static let headBytes = 7

  var reader: UInt16
  var kind: UInt8
  var bytes: [UInt8]

  /// Its weight in credits and bounds.
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
