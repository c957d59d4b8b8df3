import TestSupport
import Testing

@testable import Peers

@Suite struct PacketTests {
  private let hello = Packet.Hello(
    cluster: "shop", to: "stock-1", from: PeerIdentity(name: "orders-0", incarnation: .max), stream: 3, first: 7)
  private let welcome = Packet.Welcome(incarnation: 1, received: 2, receivedCost: 3, credit: .max)

  private func read<Result>(_ bytes: [UInt8], _ kind: Packet.Kind, _ body: (inout ByteCursor) -> Result?) -> Result? {
    bytes.withUnsafeBytes { bytes in
      var cursor = ByteCursor(bytes)
      guard Packet.head(&cursor) == .kind(kind) else { return nil }
      return body(&cursor)
    }
  }

  @Test func readsWhatItWrites() {
    #expect(read(Packet.hello(hello), .hello, Packet.readHello) == hello)
    #expect(read(Packet.welcome(welcome), .welcome, Packet.readWelcome) == welcome)
    let received = read(Packet.received(9, credit: 10), .received, Packet.readReceived)
    #expect(received?.number == 9 && received?.credit == 10)
    let frame = OutgoingFrame(reader: 2, kind: 3, bytes: [1, 2, 3])
    var bytes = Packet.start(.frames)
    frame.append(to: &bytes)
    #expect(read(bytes, .frames) { OutgoingFrame(&$0, bytesMax: 3) } == frame)
    #expect(read(bytes, .frames) { OutgoingFrame(&$0, bytesMax: 2) } == nil)
  }

  @Test func everyTruncationIsRefused() {
    let packets = [Packet.hello(hello), Packet.welcome(welcome), Packet.received(9, credit: 10)]
    for packet in packets {
      for count in 0..<packet.count {
        let part = Array(packet.prefix(count))
        #expect(read(part, .hello, Packet.readHello) == nil)
        #expect(read(part, .welcome, Packet.readWelcome) == nil)
        #expect(read(part, .received, Packet.readReceived) == nil)
      }
      #expect(read(packet + [0], .hello, Packet.readHello) == nil)
      #expect(read(packet + [0], .welcome, Packet.readWelcome) == nil)
      #expect(read(packet + [0], .received, Packet.readReceived) == nil)
    }
  }

  @Test func otherVersionsAreTold() {
    let packet: [UInt8] = [UInt8(ascii: "K"), UInt8(ascii: "P"), 2, 200, 9]
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
