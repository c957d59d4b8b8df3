import Lanes
import Model
import OwnershipMap
import PartitionRuntime
import Peers
import Serving
import Settings
import Synchronization
import TestSupport
import Testing

@testable import Cluster

/// What pods tell each other, over real connections.
@Suite struct MeshPortTests {
  /// A pod that takes what comes on both of its lanes.
  private final class Talker: Sendable {
    let open: OpenPod
    let journal = Journal()
    private let taken = Taken()

    /// What came, with the lane that took it.
    private final class Taken: Sendable {
      let deliveries = Mutex<[(lane: UInt16, delivery: PeerDelivery)]>([])
    }

    init(_ name: String, incarnation: UInt64, in world: MemoryOwnershipWorld) throws {
      let open = try OpenPod(
        podSettings {
          $0.cluster.pod = name
          $0.cluster.role = .api
        }, incarnation: incarnation, journal: journal, in: world)
      self.open = open
      for lane in open.lanes.serving {
        let index = UInt16(lane.index)
        try lane.start { [taken] in
          let deliveries = open.pod.port.take(lane: index)
          taken.deliveries.withLock { $0 += deliveries.map { (index, $0) } }
          return false
        }
      }
      try open.lanes.operating.start { false }
    }

    var all: [(lane: UInt16, delivery: PeerDelivery)] { taken.deliveries.withLock { $0 } }

    func send(_ messages: [PeerMessage], to incarnation: UInt64, lane: UInt16 = 0) -> Bool {
      open.pod.port.send(messages, to: incarnation, lane: lane)
    }
  }

  private func request(_ number: UInt64) -> RequestID { RequestID(incarnation: 1, lane: 0, number: number) }

  private let world = MemoryOwnershipWorld()

  private func talkers() throws -> [Talker] {
    let talkers = try [("a", UInt64(11)), ("b", 22)].map { try Talker($0.0, incarnation: $0.1, in: world) }
    for talker in talkers { talker.open.pod.followMap() }
    #expect(
      eventually { talkers.allSatisfy { $0.open.pod.mesh.statuses.map(\.state) == [.connected] } },
      "\(talkers.map(\.open.pod.mesh.statuses))")
    return talkers
  }

  @Test func messagesArriveOnTheLaneInOrder() throws {
    let talkers = try talkers()
    let messages = (0..<2_000).map { PeerMessage.ask(request($0), .item(ItemID(unchecked: "i\($0)"))) }
    for start in stride(from: 0, to: messages.count, by: 100) {
      #expect(talkers[0].send(Array(messages[start..<start + 100]), to: 22, lane: UInt16(start / 100 % 2)))
    }
    #expect(eventually { talkers[1].all.count == messages.count })
    for lane in UInt16(0)..<2 {
      let got = talkers[1].all.filter { $0.lane == lane }.map(\.delivery.message)
      #expect(got == messages.enumerated().filter { $0.offset / 100 % 2 == Int(lane) }.map(\.element))
    }
    #expect(talkers[1].all.allSatisfy { $0.delivery.incarnation == 11 } && talkers[0].all.isEmpty)
    for talker in talkers { talker.open.end() }
  }

  /// Lanes of pods may differ in number: the receiver takes the number modulo its own.
  @Test func anyLaneNumberArrives() throws {
    let talkers = try talkers()
    #expect(talkers[1].send([.notMine(request(1), epoch: 7)], to: 11, lane: 4_095))
    #expect(eventually { talkers[0].all.count == 1 })
    #expect(talkers[0].all[0].lane == 1 && talkers[0].all[0].delivery.message == .notMine(request(1), epoch: 7))
    for talker in talkers { talker.open.end() }
  }

  @Test func theLargestOrderFits() throws {
    let talkers = try talkers()
    let lines = (0..<16_384).map { number -> Slip.Line in
      let id = String(number)
      return Slip.Line(
        item: ItemID(unchecked: String(repeating: "i", count: 64 - id.utf8.count) + id),
        quantity: Quantity(unchecked: 1))
    }
    let order = OrderView(
      id: OrderID(unchecked: "o"), user: UserID(unchecked: "u"), lines: lines, total: Money(unchecked: 1), status: .open
    )
    let messages = (0..<3).map { PeerMessage.view(request($0), .order(order)) }
    #expect(talkers[0].send(messages, to: 22))
    #expect(eventually { talkers[1].all.count == 3 })
    #expect(talkers[1].all.map(\.delivery.message) == messages)
    for talker in talkers { talker.open.end() }
  }

  @Test func whoIsNotKnownIsNotSentTo() throws {
    let talkers = try talkers()
    let message = [PeerMessage.refused(request(1), .starting)]
    #expect(!talkers[0].send(message, to: 33) && !talkers[0].send(message, to: 11))
    // Another run of the same pod is another receiver.
    world.announce(
      .pod(PodAnnouncement(name: "b", incarnation: 23, host: "127.0.0.1", port: talkers[1].open.pod.mesh.port)))
    #expect(!talkers[0].send(message, to: 22) && talkers[0].send(message, to: 23))
    #expect(talkers[1].open.pod.isReplaced && !talkers[0].open.pod.isReplaced)
    world.announce(.podLeft(name: "b"))
    #expect(!talkers[0].send(message, to: 23) && talkers[0].open.pod.mesh.statuses.isEmpty)
    for talker in talkers { talker.open.end() }
  }

  @Test func framesThatCannotBeReadAreToldAndCounted() throws {
    let talkers = try talkers()
    for (kind, bytes) in [(UInt8(1), [UInt8(0xFF), 0xFF, 0xFF]), (9, [])] {
      #expect(talkers[0].open.pod.mesh.send(bytes, kind: kind, traffic: .replies, to: "b") == .accepted)
    }
    #expect(talkers[0].send([.refused(request(1), .stopping)], to: 22))
    #expect(eventually { talkers[1].all.count == 1 })
    #expect(talkers[1].open.pod.port.undecodableFrames == 2)
    #expect(talkers[1].journal.contains("a frame cannot be read", "a#11", "it is of kind 9"))
    for talker in talkers { talker.open.end() }
  }

  /// Pods that ended without a word are many more than those that live: whoever is connected stays so.
  @Test func ofTooManyPodsTheLivingAreKept() throws {
    let talkers = try talkers()
    for number in UInt64(0)..<300 {
      world.announce(.pod(PodAnnouncement(name: "dead-\(number)", incarnation: 100 + number, host: "::1", port: 1)))
    }
    #expect(talkers[0].journal.contains("a pod cannot be followed", "at most 256 are followed"))
    let names = Set(talkers[0].open.pod.mesh.statuses.map(\.name))
    #expect(names.count == 256 && names.isSuperset(of: ["b", "dead-299", "dead-45"]) && !names.contains("dead-44"))
    #expect(talkers[0].send([.refused(request(1), .stopping)], to: 22) && eventually { talkers[1].all.count == 1 })
    for talker in talkers { talker.open.end() }
  }

  /// One bad announcement keeps nobody from the others.
  @Test func podsThatCannotBeFollowedAreTold() throws {
    let talkers = try talkers()
    for stranger in [
      PodAnnouncement(name: "far", incarnation: 1, host: "10.0.0.1", port: 7),
      PodAnnouncement(name: "none", incarnation: 2, host: "", port: 7),
    ] { world.announce(.pod(stranger)) }
    // Told with each change of the pods, not of the owners.
    for epoch in UInt64(1)...9 {
      world.announce(
        .owner(
          OwnerAnnouncement(partition: PartitionID(.stock, 0), epoch: epoch, incarnation: 22, state: .open)))
    }
    let lines = talkers[0].journal.all
    #expect(lines.count == 3 && lines.allSatisfy { $0.contains("a pod cannot be followed") }, "\(lines)")
    #expect(lines.contains { $0.contains("pod far") && $0.contains("needs certificates") })
    #expect(talkers[0].open.pod.mesh.statuses.map(\.name) == ["b"])
    #expect(talkers[0].send([.refused(request(1), .stopping)], to: 22) && eventually { talkers[1].all.count == 1 })
    for talker in talkers { talker.open.end() }
  }
}
