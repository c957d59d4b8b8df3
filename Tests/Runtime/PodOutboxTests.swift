import Model
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Runtime

@Suite struct PodOutboxTests {
  private let owner = OwnerID(epoch: 3, run: 7)
  private let stock = PartitionID(.stock, 1)

  private var acknowledgement: MeshMessage {
    .acknowledgement(
      StreamAcknowledgement(source: .partition(PartitionID(.orders, 0)), destination: stock, owner: owner, number: 4))
  }

  private func frame(_ messages: [Message]) -> MeshMessage {
    .messages(
      StreamFrame(source: .partition(stock), destination: stock, owner: owner, first: 1, inputs: messages, asOf: .zero))
  }

  /// What is taken at a time, as `run/lane×count`.
  private func taken(_ outbox: inout PodOutbox, at now: UInt64) -> Set<String> {
    Set(outbox.take(at: now, lazyMilliseconds: 20).map { "\($0.run)/\($0.lane)×\($1.count)" })
  }

  @Test func whatNobodyWaitsForTravelsAlong() {
    var outbox = PodOutbox()
    expectEqual(taken(&outbox, at: 100), [])
    outbox.put(acknowledgement, to: .init(run: 1, lane: 0))
    outbox.put(acknowledgement, to: .init(run: 2, lane: 0))
    #expect(!outbox.isUrgent)
    expectEqual(taken(&outbox, at: 110), [], "nobody waits")
    outbox.put(.readForwarded(RequestID(incarnation: 1, lane: 0, number: 1)), to: .init(run: 1, lane: 3))
    #expect(outbox.isUrgent)
    expectEqual(taken(&outbox, at: 111), ["1/0×1", "1/3×1"], "to the same pod, whatever its lane")
    #expect(!outbox.isUrgent)
    expectEqual(taken(&outbox, at: 119), [])
    expectEqual(taken(&outbox, at: 120), ["2/0×1"], "it has waited long enough")
    expectEqual(taken(&outbox, at: 200), [])
  }

  /// What is said to a lane stays in its order.
  @Test func keepsTheOrder() {
    var outbox = PodOutbox()
    let said = [acknowledgement, .notMine(stock, owner), acknowledgement]
    for message in said { outbox.put(message, to: .init(run: 1, lane: 0)) }
    let taken = outbox.take(at: 0, lazyMilliseconds: 20)
    #expect(taken.map(\.1) == [said])
  }

  @Test(arguments: [(UInt64(0), UInt64(500)), (170, 500), (340, 680), (1_000, 5_882), (1_600, 12_000), (.max, 12_000)])
  func gathersLongerTheLaterALaneIs(_ lateness: UInt64, _ pause: UInt64) throws {
    let options = RuntimeOptions(partitioner: try #require(Partitioner(count: 4)), laneCount: 1)
    #expect(options.gatherMicroseconds(lateness: lateness) == pause)
  }

  @Test func onlyCommitsAmongMessagesCanWait() {
    let attempt = AttemptID(order: OrderID(unchecked: "o"), number: 1)
    #expect(frame([.commit(attempt), .commit(attempt)]).isLazy)
    #expect(!frame([.commit(attempt), .paid(attempt)]).isLazy)
    let inputs = [Message.commit(attempt), .paid(attempt)].map { LoggedInput(origin: nil, body: .message($0)) }
    #expect(inputs.map(\.isAwaited) == [false, true])
    #expect(MeshMessage.repliesReceived([], stock, owner).isLazy)
    #expect(!MeshMessage.replies([], stock, owner).isLazy)
  }
}
