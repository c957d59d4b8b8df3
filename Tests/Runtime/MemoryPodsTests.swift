import Lanes
import Model
import PartitionCore
import Streams
import Synchronization
import Testing

@testable import Runtime

/// That the ways in memory are like those between real pods.
@Suite struct MemoryPodsTests {
  private let pods = MemoryPods()
  private let one: MemoryPodPort
  private let other: MemoryPodPort

  init() throws {
    let lanes = try (0..<4).map { try Lane(index: $0) }
    one = pods.connect(1, lanes: Array(lanes[..<2]))
    other = pods.connect(2, lanes: Array(lanes[2...]))
  }

  private let owner = OwnerID(epoch: 1, run: 2)
  private func owns(_ index: UInt16) -> MeshMessage { .owns(owner, PartitionID(.stock, index)) }
  private func read(_ number: UInt64) -> MeshMessage {
    .read(.item(ItemID(unchecked: "i")), RequestID(incarnation: 1, lane: 0, number: number))
  }

  @Test func messagesArriveInOrderAndAreCounted() {
    let watched = Watched()
    pods.watch { from, to, message in watched.messages.withLock { $0.append("\(from) \(to) \(message.asksForWork)") } }
    #expect(one.send([read(1), owns(1)], to: 2, lane: 3) && one.send([owns(2), read(2)], to: 2, lane: 1))
    #expect(other.take(lane: 0).isEmpty)
    let taken = other.take(lane: 1)
    #expect(taken.map(\.message) == [owns(1), owns(2), read(1), read(2)] && taken.allSatisfy { $0.run == 1 })
    #expect(other.take(lane: 1).isEmpty && one.take(lane: 0).isEmpty)
    #expect(pods.count == 4 && pods.count(from: 1, to: 2) == 4 && pods.count(from: 2, to: 1) == 0)
    #expect(watched.messages.withLock { $0 } == ["1 2 true", "1 2 false", "1 2 false", "1 2 true"])
  }

  private final class Watched: Sendable {
    let messages = Mutex<[String]>([])
  }

  @Test func whoIsUnknownOrFullIsNotSentTo() {
    #expect(!one.send([owns(1)], to: 3, lane: 0) && !one.send([owns(1)], to: 1, lane: 0))
    pods.refuse(2)
    #expect(!one.send([owns(1)], to: 2, lane: 0) && other.send([owns(1)], to: 1, lane: 0))
    pods.refuse(2, false)
    #expect(one.send([owns(2)], to: 2, lane: 0))
    pods.forget(2)
    #expect(!one.send([owns(3)], to: 2, lane: 0) && !other.send([owns(3)], to: 1, lane: 0))
    #expect(other.take(lane: 0).map(\.message) == [owns(2)] && pods.count == 2)
  }

  @Test func whatACutHoldsBackArrivesOnceItIsMended() {
    pods.cut(1, 2)
    pods.cut(2, 1)
    for index in UInt16(0)..<3 { #expect(one.send([owns(index)], to: 2, lane: 0)) }
    #expect(other.send([owns(7)], to: 1, lane: 1))
    #expect(other.take(lane: 0).isEmpty && one.take(lane: 1).isEmpty)
    pods.mend(2, 1)
    #expect(other.take(lane: 0).map(\.message) == [owns(0), owns(1), owns(2)])
    #expect(one.take(lane: 1).map(\.message) == [owns(7)])
    // What is held back for a run that is forgotten is gone with it.
    pods.cut(1, 2)
    #expect(one.send([owns(4)], to: 2, lane: 0))
    pods.forget(2)
    pods.mend(1, 2)
    #expect(other.take(lane: 0).isEmpty && !one.send([owns(5)], to: 2, lane: 0))
  }
}
