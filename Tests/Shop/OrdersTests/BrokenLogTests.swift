import Model
import PartitionCore
import Testing

@testable import Orders

/// What a partition does when its log breaks under it.
@Suite struct BrokenLogTests {
  private let partition = PartitionID(.orders, 0)

  private func loop() throws -> PartitionLoop<OrdersMachine> {
    let partitioner = try #require(Partitioner(count: 1))
    var loop = PartitionLoop<OrdersMachine>(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: []))
    let entry = Entry(time: Timestamp(milliseconds: 1), body: .control(.rules(version: 1)))
    loop.deliver(delivery(0, .record(Record(entries: [entry]))))
    var effects = Effects()
    loop.step(into: &effects)
    return loop
  }

  private func delivery(_ offset: Int64, _ content: Delivery.Content) -> Delivery {
    Delivery(partition: partition, offset: offset, position: .zero, content: content)
  }

  @Test func stopsAtOnceAndSaysWhy() throws {
    var loop = try loop()
    loop.deliver(delivery(5, .broken(reason: "the topic is gone")))
    #expect(loop.status == .broken(offset: 5, reason: "the topic is gone"))
    loop.deliver(delivery(1, .record(Record(entries: []))))
    #expect(loop.queuedRecords == 0)
    let isTaken = loop.takeCheckpoint()
    #expect(!isTaken)
  }

  @Test func givesUpACheckpointThatWaitsForTheLog() throws {
    var loop = try loop()
    loop.appended(upTo: LogPosition(7))
    let isTaken = loop.takeCheckpoint()
    #expect(isTaken)
    let early = loop.checkpointToWrite(durable: LogPosition(6))
    #expect(early == nil)
    loop.deliver(delivery(0, .broken(reason: "a message was lost")))
    let late = loop.checkpointToWrite(durable: LogPosition(9))
    #expect(late == nil)
    #expect(loop.checkpointedOffset == -1)
  }

  @Test func finishesACheckpointThatTheStoreHas() throws {
    var loop = try loop()
    let isTaken = loop.takeCheckpoint()
    let batch = loop.checkpointToWrite(durable: .zero)
    #expect(isTaken && batch != nil)
    loop.deliver(delivery(0, .broken(reason: "a message was lost")))
    loop.checkpointEnded(isWritten: true)
    #expect(loop.checkpointedOffset == 0)
  }
}
