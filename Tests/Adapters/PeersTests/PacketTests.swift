import TestSupport
import Testing

@testable import Peers

@Suite struct PacketTests {
  private let hello = Packet.Hello(
    cluster: "shop", to: "stock-1", from: PeerIdentity(name: "orders-0", incarnation: .max), stream: 3, attempt: 4,
    firsts: PerTraffic(requests: 7, replies: 8))
  private let welcome = Packet.Welcome(
    incarnation: 1,
    positions: PerTraffic(
      requests: .init(received: 2, receivedCost: 3, credit: .max),
      replies: .init(received: 4, receivedCost: 5, credit: 6)))
  private let received = PerTraffic(
    requests: Packet.Received(number: 9, credit: 10), replies: Packet.Received(number: 11, credit: .max))

  /// Reads what stands behind the length, which must be right.
  private func read<Result>(_ bytes: [UInt8], _ kind: Packet.Kind, _ body: (inout ByteCursor) -> Result?) -> Result? {
    var reader = PacketReader()
    bytes.withUnsafeBytes { reader.append($0) }
    guard case .packet(let range) = reader.next(bytesMax: bytes.count) else { return nil }
    return reader.withBytes(range) { bytes in
      var cursor = ByteCursor(bytes)
      guard Packet.head(&cursor) == .kind(kind) else { return nil }
      return body(&cursor)
    }
  }

  /// The same packet with a length that says what is there.
  private func withLength(_ body: some Collection<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(number: UInt32(body.count))
    return bytes + body
  }

  @Test func readsWhatItWrites() {
    #expect(read(Packet.hello(hello), .hello, Packet.readHello) == hello)
    #expect(read(Packet.welcome(welcome), .welcome, Packet.readWelcome) == welcome)
    #expect(read(Packet.received(received), .received, Packet.readReceived) == received)
    #expect(read(Packet.ping, .ping) { $0.rest } == 0)
    let frame = OutgoingFrame(reader: 2, kind: 3, bytes: [1, 2, 3])
    var bytes: [UInt8] = []
    Packet.append(.frames, to: &bytes) { frame.append(to: &$0) }
    #expect(read(bytes, .frames) { OutgoingFrame(&$0, bytesMax: 3) } == frame)
    #expect(read(bytes, .frames) { OutgoingFrame(&$0, bytesMax: 2) } == nil)
  }

  @Test func everyTruncationIsRefused() {
    let packets = [Packet.hello(hello), Packet.welcome(welcome), Packet.received(received)]
    for packet in packets {
      let body = packet.dropFirst(Packet.lengthBytes)
      for count in 0..<packet.count {
        let parts = [Array(packet.prefix(count)), withLength(body.prefix(min(count, body.count - 1)))]
        for part in parts {
          #expect(read(part, .hello, Packet.readHello) == nil)
          #expect(read(part, .welcome, Packet.readWelcome) == nil)
          #expect(read(part, .received, Packet.readReceived) == nil)
        }
      }
      let long = withLength(body + [0])
      #expect(read(long, .hello, Packet.readHello) == nil)
      #expect(read(long, .welcome, Packet.readWelcome) == nil)
      #expect(read(long, .received, Packet.readReceived) == nil)
    }
  }

  @Test func packetsAreCutWhereverTheBytesAre() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let packets = (0..<20).map { _ in
        (0..<Int.random(in: 0...300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      }
      var bytes = packets.flatMap { withLength($0) }[...]
      var reader = PacketReader()
      var cut: [[UInt8]] = []
      while !bytes.isEmpty {
        let part = bytes.prefix(Int.random(in: 1...700, using: &generator))
        bytes = bytes.dropFirst(part.count)
        Array(part).withUnsafeBytes { reader.append($0) }
        while case .packet(let range) = reader.next(bytesMax: 300) { cut.append(reader.withBytes(range) { Array($0) }) }
      }
      #expect(cut == packets, "seed \(seed)")
      #expect(reader.next(bytesMax: 300) == .incomplete)
    }
  }

  @Test func lengthsAreJudgedBeforeTheirBytesCome() {
    for (length, step) in [(UInt32(300), PacketReader.Step.incomplete), (301, .tooLong), (.max, .tooLong)] {
      var reader = PacketReader()
      withUnsafeBytes(of: length.littleEndian) { reader.append($0) }
      #expect(reader.next(bytesMax: 300) == step)
    }
  }

  /// Bytes of any kind are read or refused, and never trap.
  @Test func rubbishIsRefused() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let packets = [Packet.hello(hello), Packet.welcome(welcome), Packet.received(received)]
    for round in 0..<20_000 {
      var bytes = Array(packets[round % packets.count].dropFirst(Packet.lengthBytes))
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if round % 5 == 0 { bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator)) }
      bytes.withUnsafeBytes { bytes in
        var cursor = ByteCursor(bytes)
        guard case .kind(let kind) = Packet.head(&cursor) else { return }
        switch kind {
        case .hello:
          if let hello = Packet.readHello(&cursor) { #expect(hello.firsts.allSatisfy { $0 > 0 }, "seed \(seed)") }
        case .welcome: _ = Packet.readWelcome(&cursor)
        case .received: _ = Packet.readReceived(&cursor)
        case .frames: while OutgoingFrame(&cursor, bytesMax: 100) != nil {}
        case .refused, .ping: break
        }
      }
    }
  }

  @Test func otherVersionsAreReported() {
    let packet: [UInt8] = [UInt8(ascii: "K"), UInt8(ascii: "P"), 3, 200, 9]
    packet.withUnsafeBytes {
      var cursor = ByteCursor($0)
      #expect(Packet.head(&cursor) == .otherVersion)
    }
  }

  @Test func addressesOffLoopbackAreKnown() {
    for (host, isLoopback) in [
      ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("localhost", true), ("127.0.0.1.evil.example", false),
      ("127.x.0.1", false), ("10.0.0.1", false), ("*", false), ("0.0.0.0", false), ("", false),
    ] { #expect(PeerAddress.isLoopback(host) == isLoopback, "\(host)") }
  }
}
