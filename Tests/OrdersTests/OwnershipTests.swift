import Model
import PartitionCore
import Testing

@testable import Orders

/// What a partition does when its log tells of another owner.
@Suite struct OwnershipTests {
  private let partition = PartitionID(.orders, 0)

  private func loop(epoch: UInt64?) throws -> PartitionLoop<OrdersMachine> {
    let partitioner = try #require(Partitioner(count: 1))
    var loop = PartitionLoop<OrdersMachine>(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: []))
    loop.tenure = epoch.map { Tenure(epoch: $0, leaseMilliseconds: 1_000, isFromTheBeginning: true) }
    return loop
  }

  private func deliver(
    _ entries: [Entry.Body], at offset: Int64, to loop: inout PartitionLoop<OrdersMachine>
  ) -> Effects {
    let record = Record(entries: entries.map { Entry(time: Timestamp(milliseconds: 1), body: $0) })
    loop.deliver(Delivery(partition: partition, offset: offset, position: .zero, content: .record(record)))
    var effects = Effects()
    loop.step(into: &effects)
    return effects
  }

  private func owned(_ epoch: UInt64) throws -> Entry.Body {
    .control(.owned(try #require(Owner(epoch: epoch, incarnation: 1, address: "a:1"))))
  }

  private func command(_ number: UInt64) -> Entry.Body {
    .command(
      ClientCommand(
        request: RequestID(incarnation: 1, lane: 0, number: number), idempotency: nil, trace: nil,
        command: .orders(.remove(OrderID(unchecked: "o")))))
  }

  @Test func appliesNothingBehindAHigherEpoch() throws {
    var loop = try loop(epoch: 1)
    var effects = Effects()
    loop.loaded([EntityChange(key: .order(OrderID(unchecked: "o")), value: nil)], into: &effects)
    #expect(deliver([try owned(1)], at: 0, to: &loop).isEmpty)
    #expect(loop.tenure?.phase == .serving)
    #expect(deliver([command(1)], at: 1, to: &loop).replies.count == 1)
    #expect(deliver([try owned(2), command(2)], at: 2, to: &loop).isEmpty)
    #expect(loop.status == .superseded(offset: 2, by: 2))
    #expect(deliver([command(3)], at: 3, to: &loop).isEmpty)
    #expect(loop.appliedOffset == 1)
    let isTaken = loop.takeCheckpoint()
    #expect(!isTaken)
  }

  @Test func whereNobodyElseCanOwnItControlsAreOnlyRead() throws {
    var loop = try loop(epoch: nil)
    _ = deliver([try owned(9), .control(.released(epoch: 9)), .control(.tick(epoch: 9, number: 1))], at: 0, to: &loop)
    #expect(loop.status == .running && loop.appliedOffset == 0)
  }
}
