import Foundation
import Peers
import TestSupport
import Testing

/// Peers that are slow, or never read: bounded memory, a refusal that is told, and nobody else is kept.
@Suite struct BoundTests {
  private func bound(_ limits: inout PeerLimits) {
    limits.frameBytesMax = 10_000
    limits.windowBytes = 100_000
    limits.queueBytesMax = 200_000
  }

  @Test func slowReader() throws {
    let (a, b, c) = (try Pod("a", bound), try Pod("b", bound), try Pod("c", bound))
    defer { for pod in [a, b, c] { pod.end() } }
    try a.mesh.follow([b.address, c.address])
    #expect(a.isConnected(to: "b") && a.isConnected(to: "c"))
    b.read(false)
    var accepted = 0
    #expect(
      eventually {
        let result = a.mesh.send([UInt8](repeating: UInt8(accepted & 0xff), count: 1_000), kind: 0, to: "b")
        if result == .accepted { accepted += 1 }
        // Until b's credit is used up and the queue is full, for good.
        return result == .full && b[.packetsReceived] > 0 && a.mesh.statuses[0].queuedBytes > 198_000
          && a.mesh.statuses[0].queuedFrames >= 187
      })
    // The window and the queue, and nothing beyond: 1,064 bytes a frame.
    #expect(
      eventually { a.mesh.send([UInt8](repeating: UInt8(accepted & 0xff), count: 1_000), kind: 0, to: "b") == .full })
    #expect(accepted <= 100_000 / 1_064 + 200_000 / 1_064 + 1)
    #expect(a.send(1, to: "c") == .accepted)
    #expect(eventually { c.count == 1 })
    b.read(true)
    #expect(eventually { b.count >= accepted && a.mesh.statuses[0].queuedFrames == 0 })
    #expect(b.frames.enumerated().allSatisfy { $1.first == UInt8($0 & 0xff) })
    #expect(b[.rubbishLinks] == 0)
  }

  @Test func peerThatNeverReads() throws {
    let (descriptor, port) = listener()
    let (a, c) = (try Pod("a", bound), try Pod("c", bound))
    defer {
      for pod in [a, c] { pod.end() }
      close(descriptor)
    }
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: port), c.address])
    var accepted = 0
    while a.mesh.send([UInt8](repeating: 0, count: 1_000), kind: 0, to: "b") == .accepted { accepted += 1 }
    #expect(accepted == 200_000 / 1_064)
    #expect(a.send(1, to: "c") == .accepted)
    #expect(eventually { c.count == 1 })
    #expect(a.state(of: "b") == .connecting)
  }
}
