import Model
import Orders
import PartitionCore
import Payments
import TestSupport
import Testing

@testable import Tenancy

/// What was removed is shown as gone only when the removal is durable: a crash before that brings it back, and whoever
/// had read that it is gone would have been lied to.
@Suite struct RemovalTests {
  /// What checkpoints do around a removal.
  enum Checkpoints: CaseIterable {
    case none
    /// Created and removed between two checkpoints.
    case takenWithTheRemoval
    case writtenBeforeIt
    case beingWrittenMeanwhile
    case failedBeforeIt
  }

  /// Something that a client can take away again: how it comes to be, how it goes, and what a read shows then.
  struct Removal: CustomTestStringConvertible {
    let testDescription: String
    let before: [Command]
    let removing: Command
    let query: Query
    let shown: View
  }

  private static let (user, order, item) = (
    UserID(unchecked: "u"), OrderID(unchecked: "o"), ItemID(unchecked: "i")
  )
  private static let price = Money(unchecked: 5)
  private static let filled: [Command] = [
    .orders(.create(order, user: user, .random)), .orders(.addItem(order, item, .one, price: price)),
  ]
  private static let empty = View.order(OrderView(id: order, user: user, lines: [], total: .zero, status: .open))

  static let removals = [
    Removal(
      testDescription: "an order", before: [.orders(.create(order, user: user, .random))],
      removing: .orders(.remove(order)), query: .order(order), shown: .order(nil)),
    Removal(
      testDescription: "a filled order", before: filled, removing: .orders(.remove(order)), query: .order(order),
      shown: .order(nil)),
    Removal(
      testDescription: "a line's last unit", before: filled, removing: .orders(.removeItem(order, item)),
      query: .order(order), shown: empty),
    Removal(
      testDescription: "a line set to nothing", before: filled,
      removing: .orders(.setItem(order, item, .zero, price: price)), query: .order(order), shown: empty),
    Removal(
      testDescription: "a payment",
      before: [
        .payments(.create(user, .random)), .payments(.addFunds(user, price)), .payments(.pay(user, order, price)),
      ],
      removing: .payments(.cancel(user, order)), query: .payment(user, order), shown: .payment(isPaid: false)),
  ]

  @Test(arguments: removals, Checkpoints.allCases)
  func isShownOnlyWhenItIsDurable(_ removal: Removal, _ checkpoints: Checkpoints) throws {
    switch removal.removing.service {
    case .payments: try check(removal, checkpoints, TestOwner(mode: .embedded))
    default:
      try check(
        removal, checkpoints, OwnerDriver<OrdersMachine>(mode: .embedded, of: PartitionID(.orders, 0)))
    }
  }

  private func check<Machine: StateMachine>(
    _ removal: Removal, _ checkpoints: Checkpoints, _ start: OwnerDriver<Machine>
  ) throws {
    var owner = start
    owner.read([try TestOwner.owned(1)])
    var offset: Int64 = 0
    for command in removal.before {
      owner.take(command)
      // The first one may only ask for what is not in memory.
      owner.turn()
      owner.turn()
      offset += 1
      owner.confirm(at: offset)
    }
    switch checkpoints {
    case .none, .takenWithTheRemoval: break
    case .writtenBeforeIt, .failedBeforeIt, .beingWrittenMeanwhile:
      expectEqual(owner.tenancy.takeCheckpoint(), true)
      expectEqual(owner.tenancy.checkpointToWrite() != nil, true)
      if checkpoints != .beingWrittenMeanwhile {
        owner.tenancy.checkpointEnded(isWritten: checkpoints == .writtenBeforeIt)
      }
    }
    let kept = owner.look(removal.query)
    #expect(kept != nil && kept != removal.shown)

    owner.take(removal.removing)
    owner.turn()
    switch checkpoints {
    case .none, .writtenBeforeIt: break
    case .beingWrittenMeanwhile: owner.tenancy.checkpointEnded(isWritten: true)
    case .takenWithTheRemoval, .failedBeforeIt:
      expectEqual(owner.tenancy.takeCheckpoint(), true)
      // It holds what is not durable.
      expectEqual(owner.tenancy.checkpointToWrite() == nil, true)
    }
    expectEqual(owner.look(removal.query), nil)
    expectEqual(owner.read(removal.query), [])

    owner.confirm(at: offset + 1)
    expectEqual(owner.takeAnswers(), [removal.shown])
    expectEqual(owner.look(removal.query), removal.shown)
  }
}

extension OwnerDriver {
  fileprivate mutating func look(_ query: Query) -> View? { tenancy.look(query, at: now) }

  /// Asks; returns what is answered at once. The store has nothing.
  fileprivate mutating func read(_ query: Query) -> [View] {
    let isTaken = tenancy.read(
      query, for: RequestID(incarnation: 1, lane: 0, number: 1_000), at: now, into: &actions)
    #expect(isTaken)
    load()
    return takeAnswers()
  }

  fileprivate mutating func takeAnswers() -> [View] {
    defer { actions.answers = [] }
    return actions.answers.map(\.view)
  }
}
