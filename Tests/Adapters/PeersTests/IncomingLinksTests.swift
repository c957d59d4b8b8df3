import Testing

@testable import Peers

/// The listening side's decisions, step by step.
@Suite struct IncomingLinksTests {
  private typealias Action = IncomingLinks.Action

  private func links(_ change: (inout PeerLimits) -> Void = { _ in }) -> IncomingLinks {
    var options = PeerOptions(
      cluster: "shop", identity: PeerIdentity(name: "b", incarnation: 5), host: "127.0.0.1", port: 0, certificates: nil)
    change(&options.limits)
    return IncomingLinks(options, readers: 2)
  }

  private func hello(
    _ name: String = "a", _ incarnation: UInt64 = 1, stream: UInt64 = 1, attempt: UInt64 = 1, first: UInt64 = 1,
    cluster: String = "shop", to: String = "b"
  ) -> [UInt8] {
    Packet.hello(
      Packet.Hello(
        cluster: cluster, to: to, from: PeerIdentity(name: name, incarnation: incarnation), stream: stream,
        attempt: attempt, firsts: PerTraffic(both: first)))
  }

  private func frames(_ number: UInt64, _ count: Int = 1, _ traffic: PeerTraffic = .requests) -> [UInt8] {
    var bytes: [UInt8] = []
    Packet.append(.frames, to: &bytes) { bytes in
      bytes.append(traffic.rawValue)
      bytes.append(number: number)
      for _ in 0..<count { OutgoingFrame(reader: 3, kind: 7, bytes: [1]).append(to: &bytes) }
    }
    return bytes
  }

  private func receive(
    _ links: inout IncomingLinks, _ packet: [UInt8], on link: UInt64, at now: UInt64 = 0
  ) -> [Action] {
    packet.withUnsafeBytes {
      links.received(UnsafeRawBufferPointer(rebasing: $0[Packet.lengthBytes...]), on: link, at: now)
    }
  }

  private func kinds(_ actions: [Action]) -> [String] {
    actions.map { action in
      switch action {
      case .say(let link, let packet):
        let kind = Packet.Kind(rawValue: packet[Packet.lengthBytes + 3])
        let reason = kind == .refused ? LinkRefusal(rawValue: packet[Packet.lengthBytes + 4]) : nil
        return "\(link): \(kind.map { "\($0)" } ?? "?")" + (reason.map { " \($0)" } ?? "")
      case .trust(let link): return "\(link): trust"
      case .hangUp(let link): return "\(link): hang up"
      case .yield: return "yield"
      case .count(let counter): return "\(counter)"
      }
    }
  }

  /// What becomes of a second hello, when "a", run 2, stream 2, dial 2 is welcome on link 1.
  @Test func introductions() {
    let rows: [(String, [UInt8], [String])] = [
      ("the next dial", hello("a", 2, stream: 2, attempt: 3), ["1: hang up", "2: trust", "2: welcome"]),
      ("the same dial", hello("a", 2, stream: 2, attempt: 2), ["strayPackets", "2: hang up"]),
      ("an older dial", hello("a", 2, stream: 2, attempt: 1), ["strayPackets", "2: hang up"]),
      ("an older stream", hello("a", 2, stream: 1, attempt: 9), ["strayPackets", "2: hang up"]),
      ("a new stream", hello("a", 2, stream: 3), ["1: hang up", "welcomes", "2: trust", "2: welcome"]),
      (
        "a newer run", hello("a", 3),
        ["refusals", "1: refused replaced", "welcomes", "2: trust", "2: welcome"]
      ),
      ("an older run", hello("a", 1, stream: 9, attempt: 9), ["refusals", "2: refused replaced"]),
      ("numbers that were never sent", hello("a", 2, stream: 2, attempt: 3, first: 9), ["rubbishLinks", "2: hang up"]),
      ("another cluster", hello("c", cluster: "other"), ["refusals", "2: refused otherCluster"]),
      ("another pod is meant", hello("c", to: "d"), ["refusals", "2: refused otherPod"]),
      ("this run itself", hello("b", 5), ["refusals", "2: refused itself"]),
      ("an older run of this pod", hello("b", 4), ["refusals", "2: refused replaced"]),
      ("a newer run of this pod", hello("b", 6), ["yield", "refusals", "2: refused otherPod"]),
      ("one pod too many", hello("c"), ["refusals", "2: refused tooMany"]),
      ("no hello", Packet.ping, ["rubbishLinks", "2: hang up"]),
    ]
    for (name, packet, expected) in rows {
      var links = links { $0.peersMax = 1 }
      _ = links.opened(1, at: 0)
      #expect(
        kinds(receive(&links, hello("a", 2, stream: 2, attempt: 2), on: 1)) == ["welcomes", "1: trust", "1: welcome"])
      _ = links.opened(2, at: 0)
      #expect(kinds(receive(&links, packet, on: 2)) == expected, "\(name)")
    }
  }

  @Test func streamsContinueWhereTheyWere() {
    var links = links()
    _ = links.opened(1, at: 0)
    _ = receive(&links, hello(), on: 1)
    #expect(receive(&links, frames(1, 3), on: 1).isEmpty && receive(&links, frames(1, 1, .replies), on: 1).isEmpty)
    #expect(links.delivered.map(\.count) == [0, 4], "reader 3 of 2")
    #expect(links.ended(1).isEmpty)
    _ = links.opened(2, at: 0)
    let actions = receive(&links, hello(attempt: 2, first: 2), on: 2)
    guard case .say(2, let packet) = actions.last else {
      Issue.record("no welcome: \(kinds(actions))")
      return
    }
    let welcome = packet.withUnsafeBytes { bytes in
      var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: bytes[(Packet.lengthBytes + Packet.headBytes)...]))
      return Packet.readWelcome(&cursor)
    }
    #expect(welcome?.positions[.requests].received == 3 && welcome?.positions[.replies].received == 1)
    #expect(kinds(receive(&links, frames(3, 2), on: 2)) == ["duplicateFrames"])
    #expect(links.delivered[1].count == 5)
  }

  @Test func acknowledgementsWaitALittleAndPingsDoNot() {
    var links = links()
    _ = links.opened(1, at: 0)
    _ = receive(&links, hello(), on: 1)
    #expect(!links.isAcknowledgementDue)
    _ = receive(&links, frames(1), on: 1)
    #expect(links.settle().isEmpty && links.isAcknowledgementDue)
    #expect(kinds(links.acknowledgeAll()) == ["1: received"])
    #expect(!links.isAcknowledgementDue && links.acknowledgeAll().isEmpty)
    #expect(kinds(receive(&links, Packet.ping, on: 1)) == ["1: received"])
  }

  @Test func lateAndSilentLinksEnd() {
    var links = links { $0.strangersMax = 2 }
    for link in 1...2 as ClosedRange<UInt64> { #expect(links.opened(link, at: 0).isEmpty) }
    _ = receive(&links, hello(), on: 2, at: 0)
    #expect(links.opened(3, at: 100).isEmpty)
    #expect(kinds(links.opened(4, at: 100)) == ["failedHandshakes", "1: hang up"])
    #expect(receive(&links, hello(attempt: 9), on: 1).isEmpty, "it is gone")
    _ = receive(&links, Packet.ping, on: 2, at: 1_000)
    #expect(links.tick(at: 2_099).isEmpty)
    #expect(Set(kinds(links.tick(at: 2_100))) == ["failedHandshakes", "3: hang up", "4: hang up"])
    #expect(kinds(links.tick(at: 3_000)) == ["2: hang up"])
    #expect(links.ended(2).isEmpty, "the shell tells it of no connection twice")
  }

  @Test func podsThatAreGoneMakeRoom() {
    var links = links { $0.peersMax = 1 }
    _ = links.opened(1, at: 0)
    _ = receive(&links, hello("a"), on: 1, at: 0)
    _ = links.ended(1)
    for (now, expected) in [(UInt64(59_999), "2: refused tooMany"), (60_000, "2: welcome")] {
      _ = links.opened(2, at: now)
      #expect(kinds(receive(&links, hello("c"), on: 2, at: now)).last == expected)
      _ = links.ended(2)
    }
  }
}
