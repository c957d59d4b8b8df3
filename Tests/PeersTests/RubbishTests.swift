import Foundation
import TestSupport
import Testing

@testable import Peers

/// Connections that say what no pod would. Each time another pod goes on undisturbed.
@Suite struct RubbishTests {
  /// A pod under attack, and one that is well.
  private struct Scene {
    let b: Pod
    let friend: Pod
    let hello = Packet.Hello(
      cluster: "shop", to: "b", from: PeerIdentity(name: "x", incarnation: 1), stream: 1, first: 1)

    init() throws {
      b = try Pod("b")
      friend = try Pod("friend")
      try friend.mesh.follow([b.address])
    }

    func friendGoesOn() {
      let before = b.count
      for number in 0..<100 { #expect(friend.send(number, to: "b") == .accepted) }
      #expect(eventually { b.count == before + 100 })
    }

    func end() { for pod in [b, friend] { pod.end() } }
  }

  @Test func otherProtocols() throws {
    let scene = try Scene()
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    var texts = [
      Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [0x16, 3, 1, 2, 0], [UInt8](repeating: 0xff, count: 100),
      [0xff] + [UInt8](repeating: 0, count: 8) + [0x7f, 3, 0] + Array("PLAIN".utf8) + [UInt8](repeating: 0, count: 60),
    ]
    for _ in 0..<50 {
      texts.append(
        (0..<Int.random(in: 1...300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
    for text in texts {
      let descriptor = connection(to: scene.b.mesh.port)
      #expect(descriptor >= 0)
      write(text, to: descriptor)
      close(descriptor)
    }
    scene.friendGoesOn()
    #expect(eventually { scene.b[.failedHandshakes] > 0 }, "seed \(seed)")
    scene.end()
  }

  @Test func packetsThatNoPodSends() throws {
    let scene = try Scene()
    let hello = Packet.hello(scene.hello)
    var beyond = Packet.start(.frames)
    beyond.append(number: UInt64(7))
    OutgoingFrame(reader: 0, kind: 0, bytes: [1]).append(to: &beyond)
    var truncated = Packet.start(.frames)
    truncated.append(number: UInt64(1))
    OutgoingFrame(reader: 0, kind: 0, bytes: [1, 2, 3]).append(to: &truncated)
    truncated.removeLast(2)
    var long = Packet.start(.frames)
    long.append(number: UInt64(1))
    long += [0, 0, 0, 0xff, 0xff, 0xff, 0xff]
    var zero = Packet.start(.frames)
    zero.append(number: UInt64(0))
    let cases: [(name: String, packet: [UInt8], isIntroduced: Bool)] = [
      ("no packet", Array("hello".utf8), false), ("an unknown kind", [75, 80, 1, 99], false),
      ("a kind of the other direction", Packet.start(.who), true),
      ("a truncated hello", Array(hello.dropLast()), false),
      ("a gap", beyond, true), ("a truncated frame", truncated, true), ("a frame of 4 GiB", long, true),
      ("number 0", zero, true), ("a long ping", Packet.start(.ping) + [1], true),
    ]
    for (index, one) in cases.enumerated() {
      let dealer = try RawDealer(scene.b.mesh.port)
      if one.isIntroduced { dealer.introduce(scene.hello) }
      dealer.send(one.packet)
      #expect(eventually { scene.b[.rubbishLinks] == UInt64(index + 1) }, "\(one.name)")
      // From then on the link is not listened to.
      let received = scene.b[.packetsReceived]
      dealer.introduce(scene.hello)
      #expect(eventually { scene.b[.packetsReceived] > received })
      #expect(scene.b[.rubbishLinks] == UInt64(index + 1))
    }
    #expect(scene.b.count == 0)
    scene.friendGoesOn()
    scene.end()
  }

  @Test func moreThanTheCreditOrManyParts() throws {
    let scene = try Scene()
    let greedy = try RawDealer(scene.b.mesh.port)
    scene.b.read(false)
    greedy.introduce(scene.hello)
    var isWelcome = false
    #expect(
      eventually {
        if let answer = greedy.receive(), answer.count > 4, answer[3] == Packet.Kind.welcome.rawValue {
          isWelcome = true
        }
        return isWelcome
      })
    for number in 1...6 as ClosedRange<UInt64> {
      var packet = Packet.start(.frames)
      packet.append(number: number)
      OutgoingFrame(reader: 9, kind: 0, bytes: [UInt8](repeating: 1, count: 1 << 20)).append(to: &packet)
      greedy.send(packet)
    }
    #expect(eventually { scene.b[.rubbishLinks] == 1 })
    #expect(scene.b[.framesReceived] == 3, "4 MiB of credit, and what frames cost beside their bytes")
    let wordy = try RawDealer(scene.b.mesh.port)
    wordy.send([1], [2], [3])
    #expect(eventually { scene.b[.rubbishLinks] == 2 })
    scene.b.read(true)
    #expect(eventually { scene.b.count == 3 })
    scene.friendGoesOn()
    scene.end()
  }

  @Test func unknownLinksAreAskedWhoTheyAre() throws {
    let scene = try Scene()
    let dealer = try RawDealer(scene.b.mesh.port)
    dealer.send(Packet.start(.ping))
    var answer: [UInt8]?
    #expect(
      eventually {
        answer = dealer.receive() ?? answer
        return answer != nil
      })
    #expect(answer == Packet.start(.who))
    #expect(scene.b[.strayPackets] == 1)
    scene.end()
  }

  @Test func otherVersionIsTold() throws {
    let scene = try Scene()
    let dealer = try RawDealer(scene.b.mesh.port)
    dealer.send([75, 80, 2, 2, 1, 2, 3])
    var answer: [UInt8]?
    #expect(
      eventually {
        answer = dealer.receive() ?? answer
        return answer != nil
      })
    #expect(answer == Packet.refused(.otherVersion))
    scene.end()
  }
}
