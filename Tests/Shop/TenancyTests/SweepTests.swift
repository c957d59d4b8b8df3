import Model
import Orders
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Tenancy

/// What an owner asks of its partition by itself.
@Suite struct SweepTests {
  private typealias Owner = OwnerDriver<OrdersMachine>
  private let order = OrderID(unchecked: "o")
  private let user = UserID(unchecked: "u")

  private static let limits = {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = RuleLimits.orderRetentionMillisecondsMin
    return limits
  }()

  /// An owner that serves, whose log has one order.
  private func owner(
    _ mode: LogMode = .shared, limits: RuleLimits = Self.limits, rules: UInt32 = Rules.current,
    bounds: TenancyLimits = TenancyLimits()
  ) throws -> Owner {
    let header = CheckpointHeader(
      partition: PartitionID(.orders, 0), offset: -1, now: .zero, rulesVersion: rules, limits: limits,
      ledger: Ledger())
    var owner = try Owner(
      mode: mode, limits: bounds, recovery: Recovery(header: header), of: PartitionID(.orders, 0), wants: limits)
    owner.read([try Owner.owned(1)])
    owner.take(.orders(.create(order, user: user, .random)))
    owner.turn()
    owner.confirm(at: 1)
    _ = owner.takeReplies()
    return owner
  }

  private func passDays(_ owner: inout Owner) { owner.now += RuleLimits.orderRetentionMillisecondsMin }

  private func sweeps(_ records: [LogRecord]) -> [[OrderID]] {
    records.flatMap { record -> [[OrderID]] in
      guard case .turn(let turn) = record else { return [] }
      return turn.entries.compactMap { entry in
        guard entry.origin == nil, case .command(let command) = entry.body,
          case .orders(.sweep(let orders)) = command.command
        else { return nil }
        return orders
      }
    }
  }

  @Test(arguments: [false, true]) func isLoggedAndAnsweredToNobody(isShared: Bool) throws {
    var owner = try owner(isShared ? .shared : .embedded)
    passDays(&owner)
    expectEqual(owner.tenancy.sweep([order]), true)
    expectEqual(owner.tenancy.takesSweep, false)
    owner.turn()
    #expect(sweeps(owner.appended) == [[order]])
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
    var owner = try owner()
    passDays(&owner)
    expectEqual(owner.tenancy.sweep([order]), true)
    owner.turn()
    let swept = try #require(owner.appended.first)
    owner.confirm(at: 2)
    let first = TurnRecord(
      owner: OwnerID(epoch: 1, run: 1), number: 1, time: Timestamp(milliseconds: 1_000),
      controls: [.rules(version: Rules.current), .limits(Self.limits)],
      entries: [
        LoggedInput(
          origin: .init(source: Owner.session, number: 1),
          body: .command(
            ClientCommand(
              request: RequestID(incarnation: 1, lane: 0, number: 1), idempotency: nil, trace: nil,
              command: .orders(.create(order, user: user, .random)))))
      ])
    var successor = try Owner(epoch: 2, of: PartitionID(.orders, 0), wants: Self.limits)
    successor.read([try Owner.owned(1), .turn(first), swept, try Owner.owned(2)])
    #expect(successor.tenancy.state.machine.ledger == owner.tenancy.state.machine.ledger)
    #expect(successor.tenancy.state.machine.ledger.removedOrders == 1)
    #expect(successor.tenancy.destinations == [PartitionID(.payments, 0)])
  }

  @Test func isRefusedWhereItMakesNoSense() throws {
    var none = try owner(limits: .initial)
    expectEqual(none.tenancy.sweep([order]), false)
    var former = try owner(rules: Rules.eras)
    expectEqual(former.tenancy.sweep([order]), false)
    var owner = try owner()
    expectEqual(owner.tenancy.sweep([]), false)
    let many = (0...SweepLimits.ordersMax).map { OrderID(unchecked: "o\($0)") }
    expectEqual(owner.tenancy.sweep(many), false)
    expectEqual(owner.tenancy.sweep(many.dropLast()), true)
    expectEqual(owner.tenancy.sweep([order]), false)
  }

  /// Clients go first: nothing is taken while their commands wait, or more than half of a bound is used.
  @Test func waitsForRoom() throws {
    var bounds = TenancyLimits()
    bounds.core.dirtyMax = 2
    bounds.core.checkpointEntitiesDue = 1
    var full = try owner(bounds: bounds)
    expectEqual(full.tenancy.sweep([order]), false)
    var busy = try owner()
    busy.take(.orders(.checkout(order)))
    expectEqual(busy.tenancy.sweep([order]), false)
  }

  /// What is not in memory is asked for without holding anybody up; what does not come is left out.
  @Test func asksForItsRowsOnce() throws {
    var owner = try owner()
    passDays(&owner)
    let stored = OrderID(unchecked: "stored")
    expectEqual(owner.tenancy.sweep([stored, order]), true)
    owner.tenancy.turn(at: Timestamp(milliseconds: owner.now), now: owner.now, into: &owner.actions)
    #expect(owner.actions.loads == [.order(stored)])
    expectEqual(owner.tenancy.wantsTurn, false)
    expectEqual(owner.tenancy.awaitsLoad, false)
    owner.actions.loads = []
    let old = Order(user: user, changedAt: .zero)
    owner.tenancy.loaded(
      [EntityChange(key: .order(stored), value: .order(old))], at: owner.now, into: &owner.actions)
    expectEqual(owner.tenancy.wantsTurn, true)
    owner.turn()
    owner.confirm(at: 2)
    #expect(owner.tenancy.state.machine.ledger.removedOrders == 2)
  }

  @Test func aFailedLoadEndsIt() throws {
    var owner = try owner()
    passDays(&owner)
    expectEqual(owner.tenancy.sweep([OrderID(unchecked: "stored")]), true)
    owner.tenancy.turn(at: Timestamp(milliseconds: owner.now), now: owner.now, into: &owner.actions)
    owner.actions.loads = []
    owner.tenancy.loadFailed()
    expectEqual(owner.tenancy.wantsTurn, false)
    expectEqual(owner.tenancy.takesSweep, true)
  }
}
