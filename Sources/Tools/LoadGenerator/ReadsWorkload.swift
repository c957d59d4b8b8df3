import Model

/// Finds users, items and orders at random, forever, and compares each with what was read before.
final class ReadsWorkload: Workload {
  private let world: World
  private var random: SplitMix64

  init(world: World, seed: UInt64) {
    self.world = world
    random = SplitMix64(seed: seed)
  }

  let isExhausted = false

  func next() -> Call? {
    switch random.index(below: 3) {
    case 0: Call(kind: .findUser, subject: random.index(below: world.users.count))
    case 1: Call(kind: .findItem, subject: random.index(below: world.items.count))
    default: Call(kind: .findOrder, subject: random.index(below: world.orders.count))
    }
  }

  func settle(_ call: Call, _ result: CallResult) -> Verdict {
    guard case .answered(let status, let body) = result else { return result.verdict }
    guard status == 200 else { return .failed(.unexpectedStatus) }
    let isRight: Bool
    switch call.kind {
    case .findUser:
      let user = world.users[call.subject]
      isRight = UserBody(body).map { $0.id == user.id && $0.credit == user.creditAtStart } ?? false
    case .findItem:
      let item = world.items[call.subject]
      isRight = ItemBody(body).map { $0.stock == item.stockAtStart && $0.price == item.price } ?? false
    default:
      let order = world.orders[call.subject]
      isRight = OrderBody(body).map { $0.id == order.id && !$0.isPaid && $0.lines.count == order.lines.count } ?? false
    }
    return isRight ? .expected : .failed(.wrongBody)
  }
}

extension CallResult {
  /// The verdict on a result that is not an answer; an answer that gets here has the wrong body.
  var verdict: Verdict {
    switch self {
    case .unknown(let failure): .failed(failure)
    case .answered: .failed(.unexpectedStatus)
    }
  }
}
