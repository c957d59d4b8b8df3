import Model
import PartitionCore
import Testing

@testable import Orders

/// What a partition does when its log tells of another owner.
@Suite struct OwnershipTests {
  private let partition = PartitionID(.orders, 0)

  private func loop(epoch: UInt64?, isFromTheBeginning: Bool = true) throws -> PartitionLoop<OrdersMachine> {
    let partitioner = try #require(Partitioner(count: 1))
    var loop = PartitionLoop<OrdersMachine>(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: []))
    loop.tenure = epoch.map {
      Tenure(epoch: $0, incarnation: 1, leaseMilliseconds: 1_000, isFromTheBeginning: isFromTheBeginning)
    }
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

  @Test func appliesNothingAfterAHigherEpoch() throws {
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

  private let poison = Entry.Body.control(.rules(version: 99))

  @Test func aStoppedPartitionSeesThatAnotherOwnerHasIt() throws {
    var loop = try loop(epoch: 1)
    var effects = Effects()
    loop.loaded([EntityChange(key: .order(OrderID(unchecked: "o")), value: nil)], into: &effects)
    _ = deliver([try owned(1)], at: 0, to: &loop)
    #expect(deliver([poison, command(1)], at: 1, to: &loop).isEmpty)
    guard case .stopped(offset: 1, _) = loop.status else { return #expect(Bool(false), "it has to stop") }
    #expect(loop.unappliedCommands().count == 1 && loop.farewell == nil)
    #expect(deliver([command(2), .control(.released(epoch: 9))], at: 2, to: &loop).isEmpty)
    guard case .stopped(offset: 1, _) = loop.status else { return #expect(Bool(false), "it stays so") }
    #expect(deliver([try owned(2)], at: 3, to: &loop).isEmpty)
    #expect(loop.status == .superseded(offset: 3, by: 2) && loop.farewell == .released(epoch: 1))
  }

  @Test func itsSuccessorMayHaveBeenDeliveredAlready() throws {
    var loop = try loop(epoch: 1)
    _ = deliver([try owned(1)], at: 0, to: &loop)
    for (offset, entries) in [(1, [poison]), (2, [command(1)]), (3, [try owned(4)])] as [(Int64, [Entry.Body])] {
      let record = Record(entries: entries.map { Entry(time: Timestamp(milliseconds: 1), body: $0) })
      loop.deliver(Delivery(partition: partition, offset: offset, position: .zero, content: .record(record)))
    }
    var effects = Effects()
    loop.step(into: &effects)
    #expect(loop.status == .superseded(offset: 3, by: 4) && effects.isEmpty)
  }

  @Test func aStoppedPartitionMayBreakOrStepDown() throws {
    var broken = try loop(epoch: 1)
    _ = deliver([try owned(1), poison], at: 0, to: &broken)
    broken.deliver(Delivery(partition: partition, offset: 5, position: .zero, content: .broken(reason: "lost")))
    #expect(broken.status == .broken(offset: 5, reason: "lost"))
    var leaving = try loop(epoch: 1)
    _ = deliver([try owned(1), poison], at: 0, to: &leaving)
    leaving.stepDown()
    #expect(leaving.status == .superseded(offset: -1, by: 2) && leaving.farewell == .released(epoch: 1))
    var embedded = try loop(epoch: nil)
    _ = deliver([poison], at: 0, to: &embedded)
    embedded.stepDown()
    _ = deliver([try owned(2)], at: 1, to: &embedded)
    guard case .stopped(offset: 0, _) = embedded.status else { return #expect(Bool(false), "it stays so") }
  }

  @Test func whereNobodyElseCanOwnItControlsAreOnlyRead() throws {
    var loop = try loop(epoch: nil)
    _ = deliver([try owned(9), .control(.released(epoch: 9)), .control(.tick(epoch: 9, number: 1))], at: 0, to: &loop)
    #expect(loop.status == .running && loop.appliedOffset == 0)
  }

  private func loopWithItsOrder(epoch: UInt64?, isFromTheBeginning: Bool) throws -> PartitionLoop<OrdersMachine> {
    var loop = try loop(epoch: epoch, isFromTheBeginning: isFromTheBeginning)
    var effects = Effects()
    loop.loaded([EntityChange(key: .order(OrderID(unchecked: "o")), value: nil)], into: &effects)
    return loop
  }

  @Test func holdsRepliesBackUntilThePredecessorIsGone() throws {
    var loop = try loopWithItsOrder(epoch: 2, isFromTheBeginning: false)
    #expect(deliver([command(1)], at: 0, to: &loop).replies.isEmpty, "a replay, and its own Owned was not read")
    #expect(deliver([try owned(2), command(2)], at: 1, to: &loop).replies.isEmpty, "the predecessor may answer reads")
    let isTaken = loop.takeCheckpoint()
    #expect(!isTaken && loop.awaitsTime, "the next owner would not know of these replies")
    #expect(deliver([.control(.released(epoch: 1))], at: 2, to: &loop).replies.map(\.reply.request.number) == [1, 2])
    #expect(deliver([command(3)], at: 3, to: &loop).replies.count == 1)
    let isTakenNow = loop.takeCheckpoint()
    #expect(isTakenNow && !loop.awaitsTime)
  }

  @Test func revealsThemAfterALeaseToo() throws {
    var loop = try loopWithItsOrder(epoch: 2, isFromTheBeginning: false)
    _ = deliver([try owned(2), command(1)], at: 0, to: &loop)
    var effects = Effects()
    loop.pass(100, into: &effects)
    loop.pass(1_199, into: &effects)
    #expect(effects.isEmpty)
    loop.pass(1_200, into: &effects)
    #expect(effects.replies.count == 1)
  }

  @Test func holdsOnlySoManyBack() throws {
    var limits = CoreLimits()
    limits.heldRepliesMax = 2
    var loop = PartitionLoop<OrdersMachine>(
      partition: partition, partitioner: try #require(Partitioner(count: 1)), limits: limits,
      recovery: Recovery(header: nil, pinned: []))
    loop.tenure = Tenure(epoch: 2, incarnation: 1, leaseMilliseconds: 1_000, isFromTheBeginning: false)
    var effects = Effects()
    loop.loaded([EntityChange(key: .order(OrderID(unchecked: "o")), value: nil)], into: &effects)
    _ = deliver([try owned(2), command(1), command(2), command(3)], at: 0, to: &loop)
    #expect(deliver([.control(.released(epoch: 1))], at: 1, to: &loop).replies.map(\.reply.request.number) == [2, 3])
  }

  @Test func readsWaitForALease() throws {
    var loop = try loopWithItsOrder(epoch: 1, isFromTheBeginning: true)
    let request = RequestID(incarnation: 1, lane: 0, number: 7)
    var effects = Effects()
    let read = { (loop: inout PartitionLoop<OrdersMachine>, now: Int64, effects: inout Effects) in
      loop.read(.order(OrderID(unchecked: "o")), for: request, at: now, into: &effects)
    }
    #expect(read(&loop, 0, &effects) == .waiting)
    let early = loop.tickToAppend(0)
    #expect(early == nil, "it does not serve yet")
    _ = deliver([try owned(1)], at: 0, to: &loop)
    loop.pass(10, into: &effects)
    #expect(effects.isEmpty && loop.awaitsTime)
    let tick = loop.tickToAppend(10)
    _ = deliver([.control(try #require(tick))], at: 1, to: &loop)
    loop.pass(500, into: &effects)
    #expect(effects.answers.map(\.request) == [request])
    #expect(read(&loop, 1_009, &effects) == .answered)
    #expect(read(&loop, 1_010, &effects) == .waiting, "the lease is over")
    #expect(deliver([try owned(2)], at: 2, to: &loop).isEmpty)
    #expect(loop.takeWaitingReads() == [request])
  }

  @Test func stepsDownWhenTheStoreRefusesIt() throws {
    var loop = try loopWithItsOrder(epoch: 1, isFromTheBeginning: true)
    #expect(loop.farewell == nil)
    _ = deliver([try owned(1)], at: 0, to: &loop)
    loop.stepDown()
    #expect(loop.status == .superseded(offset: 0, by: 2) && loop.farewell == .released(epoch: 1))
    #expect(deliver([command(1)], at: 1, to: &loop).isEmpty)

    var young = try loopWithItsOrder(epoch: 2, isFromTheBeginning: false)
    young.stepDown()
    #expect(young.farewell == nil, "it never answered anything")
    #expect(young.lateFarewell == nil, "and never waited")
  }

  @Test func saysLaterThatTheLeaseItWaitedForIsOver() throws {
    var loop = try loopWithItsOrder(epoch: 2, isFromTheBeginning: false)
    var effects = Effects()
    _ = deliver([try owned(2)], at: 0, to: &loop)
    loop.pass(100, into: &effects)
    #expect(loop.lateFarewell == nil, "it may still serve itself")
    _ = deliver([try owned(3)], at: 1, to: &loop)
    #expect(loop.farewell == nil)
    #expect(loop.lateFarewell?.control == .released(epoch: 2) && loop.lateFarewell?.at == 1_200)
  }
}
