import Foundation
import Peers
import TestSupport
import Testing

@Suite struct ReconnectTests {
  /// Connections break again and again while frames are on their way: none is lost, none comes twice.
  @Test func cutConnectionsLoseNothing() throws {
    let (a, b) = (try Pod("a"), try Pod("b"))
    let proxy = Proxy(to: b.mesh.port)
    defer {
      for pod in [a, b] { pod.end() }
      proxy.end()
    }
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: proxy.port)])
    #expect(a.isConnected(to: "b"))
    for round in 0..<8 {
      for number in 0..<500 { #expect(a.send(round * 500 + number, to: "b") == .accepted) }
      #expect(eventually { b.count >= round * 500 })
      proxy.cut()
      #expect(eventually { a[.reconnects] >= UInt64(round + 1) })
    }
    #expect(eventually { b.count == 4_000 })
    #expect(b.frames == (0..<4_000).map(Pod.bytes))
    #expect(a[.rubbishLinks] + b[.rubbishLinks] == 0)
  }

  /// One side ends without a word and starts again at the same address: what it did not acknowledge is sent again.
  @Test func endedAndStartedAgain() throws {
    let a = try Pod("a")
    let first = try Pod("b", incarnation: 1, port: try #require(StablePort.find()))
    defer { a.end() }
    try a.mesh.follow([first.address])
    for number in 0..<100 { #expect(a.send(number, to: "b") == .accepted) }
    #expect(eventually { first.count == 100 && a.mesh.statuses.first?.queuedFrames == 0 })
    first.end()
    for number in 100..<200 { #expect(a.send(number, to: "b") == .accepted) }
    let second = try Pod("b", incarnation: 2, port: first.mesh.port)
    #expect(eventually { second.count == 100 })
    #expect(second.frames == (100..<200).map(Pod.bytes))
    #expect(a.isConnected(to: "b"))
    second.end()
  }

  /// A sender that starts again begins new numbers, and is not taken for a repetition.
  @Test func senderStartedAgain() throws {
    let b = try Pod("b")
    defer { b.end() }
    for incarnation in 1...3 as ClosedRange<UInt64> {
      let a = try Pod("a", incarnation: incarnation)
      try a.mesh.follow([b.address])
      for number in 0..<10 { #expect(a.send(number, to: "b") == .accepted) }
      #expect(eventually { b.count == 10 * Int(incarnation) && a.mesh.statuses.first?.queuedFrames == 0 })
      a.end()
    }
    #expect(b.arrivals.map(\.sender.incarnation) == [1, 2, 3].flatMap { Array(repeating: $0, count: 10) })
    #expect(b[.duplicateFrames] == 0)
  }

  /// A peer that stands still counts as silent, what it is sent waits.
  @Test func silentPeer() throws {
    let b = try Pod("b")
    let proxy = Proxy(to: b.mesh.port)
    let a = try Pod("a") {
      $0.tickMilliseconds = 10
      $0.idleMilliseconds = 50
      $0.silentMilliseconds = 150
    }
    defer {
      for pod in [a, b] { pod.end() }
      proxy.end()
    }
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: proxy.port)])
    #expect(a.isConnected(to: "b"))
    // The lane of b is kept: the system takes connections for it, and nobody answers.
    let gate = DispatchSemaphore(value: 0)
    b.hold(gate)
    #expect(eventually { a.state(of: "b") == .silent })
    #expect(a.mesh.send([5], kind: 0, traffic: .replies, to: "b") == .accepted)
    gate.signal()
    #expect(eventually { b.count == 1 })
    #expect(a.isConnected(to: "b"))
  }

  /// Its own pause says nothing about the others, whose words wait to be read.
  @Test func whoPausedDoesNotTakeOthersForSilent() throws {
    let a = try Pod("a") { $0.silentMilliseconds = 60_000 }
    let b = try Pod("b") {
      $0.idleMilliseconds = 100
      $0.silentMilliseconds = 1_000
      $0.tickMilliseconds = 20
    }
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    try b.mesh.follow([a.address])
    #expect(a.isConnected(to: "b") && b.isConnected(to: "a"))
    let gate = DispatchSemaphore(value: 0)
    b.hold(gate)
    let held = ContinuousClock.now
    var sent = 0
    #expect(
      eventually {
        if a.mesh.send(Pod.bytes(sent), kind: 0, to: "b") == .accepted { sent += 1 }
        usleep(10_000)
        return ContinuousClock.now - held >= .seconds(2)
      })
    gate.signal()
    #expect(eventually { b.count == sent } && b.frames == (0..<sent).map(Pod.bytes))
    #expect(b.mesh.send([1], kind: 0, to: "a") == .accepted && eventually { a.count == 1 })
    #expect(a[.reconnects] + b[.reconnects] == 0)
  }
}
