import Model
import Orders
import PartitionCore
import TestSupport
import Testing

@testable import Tenancy

/// An owner whose partition removes orders that have not changed for a day.
struct SweepFixture {
  typealias Owner = OwnerDriver<OrdersMachine>
  let order = OrderID(unchecked: "o")
  let user = UserID(unchecked: "u")

  static let limits = {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = RuleLimits.orderRetentionMillisecondsMin
    return limits
  }()

  /// An owner that serves, whose log has one order.
  func owner(
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

  func passDays(_ owner: inout Owner) { owner.now += RuleLimits.orderRetentionMillisecondsMin }

  func sweeps(_ records: [LogRecord]) -> [[OrderID]] {
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
}
