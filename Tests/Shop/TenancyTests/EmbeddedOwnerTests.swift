import Model
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Tenancy

/// What an owner does differently where all partitions share one log in one sequence.
@Suite struct EmbeddedOwnerTests {
  private let source = PartitionID(.stock, 0)

  private func owner(_ change: (inout TenancyLimits) -> Void = { _ in }) throws -> TestOwner {
    var limits = TenancyLimits()
    change(&limits)
    var owner = try TestOwner(mode: .embedded, limits: limits)
    owner.read([try TestOwner.owned(1)])
    return owner
  }

  private func message(_ number: UInt64, order: String) -> TenancyInput {
    let slip = Slip(
      attempt: AttemptID(order: OrderID(unchecked: order), number: 1), user: UserID(unchecked: "u"),
      total: Money(unchecked: 1),
      stops: [Slip.Stop(partition: 0, lines: [Slip.Line(item: ItemID(unchecked: "i"), quantity: .one)])], trace: nil)
    return .message(.charge(slip), number: number, from: source, to: OwnerID(epoch: 1, run: 1))
  }

  private func step(_ owner: inout TestOwner, _ inputs: [TenancyInput]) {
    _ = owner.tenancy.step(
      taking: inputs, at: Timestamp(milliseconds: owner.now), now: owner.now, residentMax: .max, into: &owner.actions)
    while !owner.actions.loads.isEmpty {
      owner.load()
      _ = owner.tenancy.step(
        taking: [], at: Timestamp(milliseconds: owner.now), now: owner.now, residentMax: .max, into: &owner.actions)
    }
  }

  private func greeting(_ destination: PartitionID, number: UInt64 = 0) -> TenancyInput {
    .greeting(
      StreamGreeting(
        source: .partition(TestOwner.partition), destination: destination, owner: OwnerID(epoch: 7, run: 1),
        number: number))
  }

  /// A charge of an unknown user fails: the release goes to stock. Nothing is sent before its owner has greeted; from
  /// then on messages leave with the turn that causes them, in the order of their numbers, before they are durable.
  @Test func messagesLeaveAtOnceWhereTheirOwnerIsKnown() throws {
    var owner = try owner()
    step(&owner, [message(1, order: "a")])
    var sent: [UInt64] = []
    func take(_ owner: inout TestOwner) {
      owner.actions.messages.takeAll { _, inputs in
        for case .message(_, let number, _, let to) in inputs {
          sent.append(number)
          expectEqual(to, OwnerID(epoch: 7, run: 1))
        }
      }
    }
    take(&owner)
    #expect(sent.isEmpty && owner.actions.hasMessages)
    expectEqual(owner.tenancy.destinations, [source])
    step(&owner, [greeting(source)])
    expectEqual(owner.tenancy.nextFrame(to: source)?.first, 1)
    step(&owner, [message(2, order: "b"), message(3, order: "c")])
    take(&owner)
    #expect(sent == [2, 3])
    #expect(owner.tenancy.unconfirmedCount == 2)
  }

  @Test func aRepetitionIsAcknowledgedAndAGapIsRefused() throws {
    var owner = try owner()
    step(&owner, [message(1, order: "a")])
    step(&owner, [.confirmed(1, at: 1)])
    owner.actions.removeAll()
    step(&owner, [message(1, order: "a"), message(3, order: "c")])
    #expect(owner.actions.acknowledgements.map(\.number) == [1])
    #expect(owner.actions.gaps.map(\.expected) == [2])
    #expect(owner.tenancy.unconfirmedCount == 0)
  }

  /// Nobody sends a command again that was never numbered, so nothing of it stands in the log.
  @Test func aCommandThatIsRefusedIsNotLogged() throws {
    var owner = try owner { $0.unacknowledgedMessagesMax = 1 }
    step(&owner, [message(1, order: "a")])
    let before = owner.tenancy.number
    owner.create("x")
    step(&owner, [])
    #expect(owner.actions.replies.contains { if case .skipped(_, .overloaded) = $0 { true } else { false } })
    #expect(owner.tenancy.number == before)
    // What waits for the other partition is acknowledged: commands are executed again.
    step(&owner, [greeting(source)])
    _ = owner.tenancy.nextFrame(to: source)
    step(
      &owner,
      [
        .acknowledgement(
          StreamAcknowledgement(
            source: .partition(TestOwner.partition), destination: source, owner: OwnerID(epoch: 7, run: 1), number: 1))
      ])
    owner.create("y")
    step(&owner, [])
    #expect(owner.tenancy.number == before + 1)
  }

  @Test func whoeverWaitsHearsOfTheEnd() throws {
    var owner = try owner()
    let queued = owner.create("x")
    owner.tenancy.end(.stopped(number: 1, reason: "for the test"))
    expectEqual(owner.tenancy.takeAbandoned(), AbandonedRequests(unknown: [], untaken: [queued]))
    var other = try self.owner()
    let logged = other.create("x")
    step(&other, [])
    other.tenancy.end(.stopped(number: 1, reason: "for the test"))
    #expect(other.tenancy.takeAbandoned().unknown.contains(logged))
  }

  /// After an owner that ended without a word the first inputs stand in the log before they are applied, one by one.
  @Test func afterAnUncleanEndInputsAreLoggedFirst() throws {
    var first = try owner()
    first.create("x")
    first.turn()
    guard case .turn(let record)? = first.appended.first else { throw Missing() }
    var second = try TestOwner(epoch: 2, mode: .embedded)
    second.read([try TestOwner.owned(1), .turn(record), try TestOwner.owned(2)])
    second.create("y")
    second.create("z")
    second.turn()
    #expect(second.appended.count == 1 && second.tenancy.number == 1)
    second.confirm(at: 3)
    #expect(second.tenancy.number == 2 && second.takeReplies().count == 1)
    second.turn()
    #expect(second.appended.count == 1)
  }

  private struct Missing: Error {}

  @Test func whoLeavesInOrderIsCheckpointedToItsLastWord() throws {
    var owner = try owner()
    owner.create("x")
    owner.turn()
    owner.confirm(at: 1)
    owner.tenancy.leave()
    owner.turn()
    owner.confirm(at: 2)
    expectEqual(owner.tenancy.ending, .left)
    expectEqual(owner.tenancy.takeCheckpoint(), true)
    let written = owner.tenancy.checkpointToWrite()
    let batch = try #require(written)
    #expect(batch.header.number == 2 && batch.header.offset == 2)
    #expect(batch.changes.count == 1)
  }
}
