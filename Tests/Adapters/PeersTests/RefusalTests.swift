import Foundation
import TestSupport
import Testing

@testable import Peers

/// Pods that do not belong here, or do not belong here any more.
@Suite struct RefusalTests {
  @Test func otherCluster() throws {
    let (a, b) = (try Pod("a", cluster: "shop"), try Pod("b", cluster: "other"))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    #expect(eventually { a.state(of: "b") == .refused(.otherCluster) })
    #expect(a.mesh.send([1], kind: 0, to: "b") == .accepted, "it waits, within its bound")
    #expect(b[.refusals] > 0 && b.count == 0)
  }

  @Test func otherPodAtTheAddress() throws {
    let (a, b) = (try Pod("a"), try Pod("b"))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([PeerAddress(name: "c", host: "127.0.0.1", port: b.mesh.port)])
    #expect(eventually { a.state(of: "c") == .refused(.otherPod) })
    #expect(!a.mesh.isReplaced)
  }

  @Test func newerPodOfTheSameNameWins() throws {
    let b = try Pod("b")
    let (older, newer) = (try Pod("a", incarnation: 5), try Pod("a", incarnation: 6))
    defer { for pod in [b, older, newer] { pod.end() } }
    try older.mesh.follow([b.address])
    #expect(older.isConnected(to: "b"))
    try newer.mesh.follow([b.address])
    #expect(newer.isConnected(to: "b"))
    #expect(eventually { older.state(of: "b") == .refused(.replaced) && older.mesh.isReplaced })
    _ = older.mesh.send([5], kind: 0, to: "b")
    #expect(newer.mesh.send([6], kind: 0, to: "b") == .accepted)
    #expect(eventually { b.count == 1 })
    #expect(b.frames == [[6]])
    #expect(!newer.mesh.isReplaced && newer.state(of: "b") == .connected)
  }

  @Test func onlyAsManyPodsAsMayBeKnown() throws {
    let b = try Pod("b") { $0.peersMax = 2 }
    let pods = try (0..<3).map { try Pod("a\($0)") }
    defer { for pod in pods + [b] { pod.end() } }
    for pod in pods { try pod.mesh.follow([b.address]) }
    #expect(eventually { pods.filter { $0.state(of: "b") == .connected }.count == 2 })
    #expect(eventually { pods.filter { $0.state(of: "b") == .refused(.tooMany) }.count == 1 })
  }

  /// An address that leads back: by the map of owners of another cluster, or a proxy.
  @Test func itself() throws {
    let a = try Pod("a", incarnation: 5)
    defer { a.end() }
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: a.mesh.port)])
    #expect(eventually { a.state(of: "b") == .refused(.itself) })
    #expect(!a.mesh.isReplaced)
  }
}
