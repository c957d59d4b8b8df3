import Model
import Orders
import PartitionCore
import TestSupport
import Testing

@testable import Tenancy

/// When an owner takes no sweep, and what it waits for.
@Suite struct SweepBoundTests {
  private let fixture = SweepFixture()

  @Test func isRefusedWhereItMakesNoSense() throws {
    var none = try fixture.owner(limits: .initial)
    expectEqual(none.tenancy.sweep([fixture.order]), false)
    var former = try fixture.owner(rules: Rules.eras)
    expectEqual(former.tenancy.sweep([fixture.order]), false)
    var owner = try fixture.owner()
    expectEqual(owner.tenancy.sweep([]), false)
    let many = (0...SweepLimits.ordersMax).map { OrderID(unchecked: "o\($0)") }
    expectEqual(owner.tenancy.sweep(many), false)
    expectEqual(owner.tenancy.sweep(many.dropLast()), true)
    expectEqual(owner.tenancy.sweep([fixture.order]), false)
  }

  /// Clients go first: nothing is taken while their commands wait, or more than half of a bound is used.
  @Test func waitsForRoom() throws {
    var bounds = TenancyLimits()
    bounds.core.dirtyMax = 2
    bounds.core.checkpointEntitiesDue = 1
    var full = try fixture.owner(bounds: bounds)
    expectEqual(full.tenancy.sweep([fixture.order]), false)
    var busy = try fixture.owner()
    busy.take(.orders(.checkout(fixture.order)))
    expectEqual(busy.tenancy.sweep([fixture.order]), false)
  }

  /// What is not in memory is asked for without holding anybody up; what does not come is left out.
  @Test func asksForItsRowsOnce() throws {
    var owner = try fixture.owner()
    fixture.passDays(&owner)
    let stored = OrderID(unchecked: "stored")
    expectEqual(owner.tenancy.sweep([stored, fixture.order]), true)
    owner.tenancy.turn(at: Timestamp(milliseconds: owner.now), now: owner.now, into: &owner.actions)
    #expect(owner.actions.loads == [.order(stored)])
    expectEqual(owner.tenancy.wantsTurn, false)
    expectEqual(owner.tenancy.awaitsLoad, false)
    owner.actions.loads = []
    let old = Order(user: fixture.user, changedAt: .zero)
    owner.tenancy.loaded(
      [EntityChange(key: .order(stored), value: .order(old))], at: owner.now, into: &owner.actions)
    expectEqual(owner.tenancy.wantsTurn, true)
    owner.turn()
    owner.confirm(at: 2)
    #expect(owner.tenancy.state.machine.ledger.removedOrders == 2)
  }

  @Test func aFailedLoadEndsIt() throws {
    var owner = try fixture.owner()
    fixture.passDays(&owner)
    expectEqual(owner.tenancy.sweep([OrderID(unchecked: "stored")]), true)
    owner.tenancy.turn(at: Timestamp(milliseconds: owner.now), now: owner.now, into: &owner.actions)
    owner.actions.loads = []
    owner.tenancy.loadFailed()
    expectEqual(owner.tenancy.wantsTurn, false)
    expectEqual(owner.tenancy.takesSweep, true)
  }
}
