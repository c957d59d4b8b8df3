import Model
import Orders
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Tenancy

/// What an owner asks of its partition by itself.
@Suite struct SweepTests {
  private let fixture = SweepFixture()

  @Test(arguments: [false, true]) func isLoggedAndAnsweredToNobody(isShared: Bool) throws {
    var owner = try fixture.owner(isShared ? .shared : .embedded)
    fixture.passDays(&owner)
    expectEqual(owner.tenancy.sweep([fixture.order]), true)
    expectEqual(owner.tenancy.takesSweep, false)
    owner.turn()
    #expect(fixture.sweeps(owner.appended) == [[fixture.order]])
    expectEqual(owner.tenancy.takesSweep, false)
    owner.confirm(at: 2)
    expectEqual(owner.tenancy.takesSweep, true)
    #expect(owner.takeReplies() == [])
    #expect(owner.tenancy.state.machine.ledger.removedOrders == 1)
    owner.tenancy.sendRepliesAgain(into: &owner.actions)
    #expect(!owner.takeReplies().contains { $0.isSweep })
    #expect(owner.tenancy.destinations == [PartitionID(.payments, 0)])
    #expect(owner.tenancy.takeAbandoned().unknown == [])
  }

  /// A replay of its log removes the same orders.
  @Test func aReplayDecidesTheSame() throws {
    var owner = try fixture.owner()
    fixture.passDays(&owner)
    expectEqual(owner.tenancy.sweep([fixture.order]), true)
    owner.turn()
    let swept = try #require(owner.appended.first)
    owner.confirm(at: 2)
    let first = TurnRecord(
      owner: OwnerID(epoch: 1, run: 1), number: 1, time: Timestamp(milliseconds: 1_000),
      controls: [.rules(version: Rules.current), .limits(SweepFixture.limits)],
      entries: [
        LoggedInput(
          origin: .init(source: SweepFixture.Owner.session, number: 1),
          body: .command(
            ClientCommand(
              request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: nil, trace: nil,
              command: .orders(.create(fixture.order, user: fixture.user, .random)))))
      ])
    var successor = try SweepFixture.Owner(epoch: 2, of: PartitionID(.orders, 0), wants: SweepFixture.limits)
    successor.read([try SweepFixture.Owner.owned(1), .turn(first), swept, try SweepFixture.Owner.owned(2)])
    #expect(successor.tenancy.state.machine.ledger == owner.tenancy.state.machine.ledger)
    #expect(successor.tenancy.state.machine.ledger.removedOrders == 1)
    #expect(successor.tenancy.destinations == [PartitionID(.payments, 0)])
  }
}
