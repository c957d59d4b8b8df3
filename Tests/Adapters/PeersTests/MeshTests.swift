import Foundation
import Lanes
import Peers
import TestSupport
import Testing

@Suite struct MeshTests {
  @Test func framesGoBothWaysInOrder() throws {
    let (a, b) = (try Pod("a"), try Pod("b", incarnation: 7, readers: 2))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([a.address, b.address])
    try b.mesh.follow([a.address, b.address])
    #expect(a.isConnected(to: "b") && b.isConnected(to: "a"))
    for number in 0..<5_000 { #expect(a.send(number, to: "b") == .accepted) }
    #expect(b.mesh.send([9], kind: 200, to: "a") == .accepted)
    #expect(eventually { b.count == 5_000 && a.count == 1 })
    #expect(b.frames == (0..<5_000).map(Pod.bytes))
    let answer = try #require(a.arrivals.first)
    #expect(answer.kind == 200 && answer.bytes == [9] && answer.sender == PeerIdentity(name: "b", incarnation: 7))
    #expect(a[.packetsSent] < 5_000, "frames travel together")
    #expect(eventually { a.mesh.statuses.first?.queuedFrames == 0 })
    #expect(a[.rubbishLinks] + b[.rubbishLinks] + b[.duplicateFrames] + b[.strayPackets] == 0)
  }

  @Test func eachReaderGetsItsFrames() throws {
    let (a, b) = (try Pod("a"), try Pod("b", readers: 3))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    for reader in 0..<7 as Range<UInt16> { _ = a.mesh.send([UInt8(reader)], kind: 0, reader: reader, to: "b") }
    #expect(eventually { b.count == 7 })
    for arrival in b.arrivals { #expect(arrival.reader == Int(arrival.bytes[0]) % 3) }
  }

  @Test func boundsAreReported() throws {
    let a = try Pod("a") { $0.queueFramesMax = 10 }
    defer { a.end() }
    #expect(a.mesh.send([1], kind: 0, to: "b") == .unknownPeer)
    // Nobody listens there.
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: 1)])
    let peer = try #require(a.mesh.peer("b"))
    #expect(peer.send([UInt8](repeating: 0, count: 1 << 20 | 1), kind: 0) == .tooLarge)
    for _ in 0..<10 { #expect(peer.send([1], kind: 0) == .accepted) }
    #expect(peer.send([1], kind: 0) == .full)
    #expect(a[.refusedFrames] == 1)
    #expect(peer.status.queuedFrames == 10 && peer.status.state == .connecting)
    try a.mesh.follow([])
    #expect(peer.send([1], kind: 0) == .unknownPeer)
  }

  @Test func largeAndEmptyFrames() throws {
    let (a, b) = (try Pod("a"), try Pod("b"))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    let frames = [[], [UInt8](repeating: 7, count: 1 << 20), [1], [UInt8](repeating: 8, count: 100_000)]
    for frame in frames { #expect(a.mesh.send(frame, kind: 0, to: "b") == .accepted) }
    #expect(eventually { b.count == 4 })
    #expect(b.frames == frames)
  }

  @Test func removedAndFollowedAgain() throws {
    let (a, b) = (try Pod("a"), try Pod("b"))
    defer { for pod in [a, b] { pod.end() } }
    for round in 0..<3 {
      try a.mesh.follow([b.address])
      #expect(a.send(round, to: "b") == .accepted)
      #expect(eventually { b.count == round + 1 })
      try a.mesh.follow([])
    }
    #expect(b.frames == (0..<3).map(Pod.bytes))
    #expect(b[.rubbishLinks] == 0)
  }

  @Test func addressesAreChecked() throws {
    let a = try Pod("a")
    defer { a.end() }
    for address in [
      PeerAddress(name: "", host: "127.0.0.1", port: 1), PeerAddress(name: "b", host: "", port: 1),
      PeerAddress(name: "b", host: "127.0.0.1", port: 0), PeerAddress(name: "b", host: "10.0.0.1", port: 1),
      PeerAddress(name: "b", host: "host name", port: 1),
      PeerAddress(name: String(repeating: "b", count: 129), host: "127.0.0.1", port: 1),
    ] { #expect(throws: PeerFailure.self, "\(address)") { try a.mesh.follow([address]) } }
    #expect(throws: PeerFailure.self) { try Pod("b", port: a.mesh.port) }
    #expect(throws: PeerFailure.self) { try Pod("b", host: "0.0.0.0") }
    #expect(throws: PeerFailure.self) { try Pod("b") { $0.windowBytes = 10 } }
  }
}
