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
      cluster: "shop", to: "b", from: PeerIdentity(name: "x", incarnation: 1), stream: 1, attempt: 1,
      firsts: PerTraffic(both: 1))

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
      [0xff] + [UInt8](repeating: 0, count: 8) + [0x7f, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 60),
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
    #expect(eventually { scene.b[.failedHandshakes] + scene.b[.rubbishLinks] >= UInt64(texts.count) }, "seed \(seed)")
    scene.end()
  }

  private func packet(_ kind: Packet.Kind, _ body: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    Packet.append(kind, to: &bytes, body)
    return bytes
  }

  private func frames(_ number: UInt64, _ rest: [UInt8]) -> [UInt8] {
    packet(.frames) {
      $0.append(PeerTraffic.replies.rawValue)
      $0.append(number: number)
      $0 += rest
    }
  }

  private let frame: [UInt8] = {
    var bytes: [UInt8] = []
    OutgoingFrame(reader: 0, kind: 0, bytes: [1, 2, 3]).append(to: &bytes)
    return bytes
  }()

  @Test func packetsThatNoPodSends() throws {
    let scene = try Scene()
    let hello = Packet.hello(scene.hello)
    let cases: [(name: String, packet: [UInt8], isIntroduced: Bool)] = [
      ("no packet", [5, 0, 0, 0] + Array("hello".utf8), false),
      ("a length of 4 GiB", [0xff, 0xff, 0xff, 0xff], false), ("a long hello", [1, 0x10, 0, 0], false),
      ("an unknown kind", [4, 0, 0, 0, 75, 80, 2, 99], false), ("an empty packet", [0, 0, 0, 0], false),
      ("a kind of the other direction", packet(.welcome) { _ in }, true),
      ("frames before a hello", frames(1, frame), false), ("a ping before a hello", Packet.ping, false),
      ("a second hello", hello, true), ("a gap", frames(7, frame), true), ("number 0", frames(0, frame), true),
      ("a truncated frame", frames(1, Array(frame.dropLast(2))), true), ("no frame", frames(1, []), true),
      ("a frame of 4 GiB", frames(1, [0, 0, 0, 0xff, 0xff, 0xff, 0xff]), true),
      ("a traffic that is none", packet(.frames) { $0 += [9] + [UInt8](repeating: 1, count: 20) }, true),
      ("a long ping", packet(.ping) { $0 += [1] }, true),
      ("another version", [4, 0, 0, 0, 75, 80, 9, 4], true),
    ]
    for (index, one) in cases.enumerated() {
      let link = RawLink(scene.b.mesh.port)
      if one.isIntroduced {
        var hello = scene.hello
        hello.attempt = UInt64(index + 2)
        link.send(Packet.hello(hello))
        #expect(link.awaits(.welcome) != nil, "\(one.name)")
      }
      link.send(one.packet)
      #expect(link.isEndedEventually, "\(one.name)")
      #expect(scene.b[.rubbishLinks] == UInt64(index + 1), "\(one.name)")
    }
    #expect(scene.b.count == 0)
    scene.friendGoesOn()
    scene.end()
  }

  /// Cut anywhere: what came whole is kept, the rest is forgotten, and the next connection goes on.
  @Test func cutInTheMiddle() throws {
    let scene = try Scene()
    let hello = Packet.hello(scene.hello)
    for count in 0..<hello.count {
      let link = RawLink(scene.b.mesh.port)
      link.send(Array(hello.prefix(count)))
      shutdown(link.descriptor, Int32(SHUT_WR))
      #expect(link.isEndedEventually, "half closed behind \(count) bytes")
    }
    #expect(eventually { scene.b[.failedHandshakes] == UInt64(hello.count) })
    let two = frames(1, frame + frame)
    for count in 1..<two.count {
      let link = RawLink(scene.b.mesh.port)
      var hello = scene.hello
      hello.attempt = UInt64(count)
      link.send(Packet.hello(hello))
      #expect(link.awaits(.welcome) != nil)
      link.send(Array(two.prefix(count)))
    }
    #expect(scene.b.count == 0 && scene.b[.rubbishLinks] == 0)
    let link = RawLink(scene.b.mesh.port)
    var last = scene.hello
    last.attempt = UInt64(two.count)
    link.send(Packet.hello(last))
    #expect(link.awaits(.welcome) != nil)
    for byte in two { link.send([byte]) }
    #expect(eventually { scene.b.count == 2 })
    scene.friendGoesOn()
    scene.end()
  }

  @Test func aHelloThatCameBeforeIsNotWelcomeAgain() throws {
    let scene = try Scene()
    let link = RawLink(scene.b.mesh.port)
    link.send(Packet.hello(scene.hello))
    #expect(link.awaits(.welcome) != nil)
    let replay = RawLink(scene.b.mesh.port)
    replay.send(Packet.hello(scene.hello))
    #expect(replay.isEndedEventually && scene.b[.strayPackets] == 1)
    link.send(frames(1, frame))
    #expect(eventually { scene.b.count == 1 }, "the first one goes on")
    scene.end()
  }

  @Test func moreThanTheCredit() throws {
    let scene = try Scene()
    let greedy = RawLink(scene.b.mesh.port)
    scene.b.read(false)
    greedy.send(Packet.hello(scene.hello))
    #expect(greedy.awaits(.welcome) != nil)
    for number in 1...6 as ClosedRange<UInt64> {
      var bytes: [UInt8] = []
      OutgoingFrame(reader: 9, kind: 0, bytes: [UInt8](repeating: 1, count: 1 << 20)).append(to: &bytes)
      greedy.send(frames(number, bytes))
    }
    #expect(eventually { scene.b[.rubbishLinks] == 1 })
    #expect(scene.b[.framesReceived] == 3, "4 MiB of credit, and what frames cost beside their bytes")
    #expect(greedy.isEndedEventually)
    scene.b.read(true)
    #expect(eventually { scene.b.count == 3 })
    scene.friendGoesOn()
    scene.end()
  }

  /// It asks and asks, and never reads an answer.
  /// The hello of a pod `x` to `b`.
  private let introduction = Packet.hello(
    Packet.Hello(
      cluster: "shop", to: "b", from: PeerIdentity(name: "x", incarnation: 1), stream: 1, attempt: 1,
      firsts: PerTraffic(both: 1)))

  @Test func whoAsksForTooManyAnswersIsCutOff() throws {
    let b = try Pod("b") { $0.outputBytesMax = 1_000 }
    let link = RawLink(b.mesh.port)
    link.send(introduction)
    let pings = (0..<1_000).flatMap { _ in Packet.ping }
    #expect(
      eventually {
        link.send(pings)
        return b[.rubbishLinks] == 1
      })
    b.end()
  }

  /// However many answers the system keeps for it, and though it is never silent.
  @Test(arguments: [false, true])
  func whoNeverReadsAnswersIsCutOff(reads: Bool) throws {
    let b = try Pod("b") {
      // More than what the system takes and the answers to all that is asked together.
      $0.outputBytesMax = 256 << 20
      $0.tickMilliseconds = 20
    }
    defer { b.end() }
    let link = RawLink(b.mesh.port)
    link.send(introduction)
    // Little at a time, so that its lane is never busy for long.
    let pings = (0..<1_000).flatMap { _ in Packet.ping }
    let until = ContinuousClock.now + .seconds(reads ? 5 : 60)
    var answers = 0
    while ContinuousClock.now < until, b[.rubbishLinks] == 0 {
      link.send(pings)
      if reads { while link.receive() != nil { answers += 1 } }
      usleep(5_000)
    }
    #expect(b[.rubbishLinks] == (reads ? 0 : 1))
    #expect(reads ? answers > 1_000 : link.isEndedEventually)
  }

  @Test func strangersMakeRoomForOthersAndAreNotWaitedFor() throws {
    let b = try Pod("b") {
      $0.strangersMax = 3
      $0.handshakeMilliseconds = 300
      $0.tickMilliseconds = 20
    }
    let links = (0..<6).map { _ in RawLink(b.mesh.port) }
    #expect(links[0..<3].allSatisfy { $0.isEndedEventually }, "the oldest")
    let friend = try Pod("friend")
    try friend.mesh.follow([b.address])
    #expect(friend.isConnected(to: "b"))
    #expect(links[3...].allSatisfy { $0.isEndedEventually }, "who says nothing")
    #expect(b[.failedHandshakes] >= 6)
    for pod in [b, friend] { pod.end() }
  }

  @Test func otherVersionIsReported() throws {
    let scene = try Scene()
    let link = RawLink(scene.b.mesh.port)
    link.send([7, 0, 0, 0, 75, 80, 3, 1, 1, 2, 3])
    let answer = try #require(link.awaits(.refused))
    #expect(answer == Array(Packet.refused(.otherVersion).dropFirst(Packet.lengthBytes)))
    scene.end()
  }
}
