import Model

/// Carts from creation to payment, many at a time.
///
/// Of 10 calls 2 create an order, 4 add one of its two items, 2 check out and 2 find an order: with these weights as
/// many carts are finished as are started. If no cart is ready for the drawn call, the one before it in a cart's life
/// is made instead.
final class MixedWorkload: Workload {
  private let world: World
  private let orderCountMax: Int
  private let newKey: () -> UInt32
  private var random: SplitMix64
  private var created = 0
  /// Carts waiting for their next item, and full carts.
  private var open: [Int] = []
  private var full: [Int] = []
  private var underWay = 0

  init(world: World, orderCountMax: Int, seed: UInt64, newKey: @escaping () -> UInt32) {
    self.world = world
    self.orderCountMax = orderCountMax
    self.newKey = newKey
    random = SplitMix64(seed: seed)
  }

  var isExhausted: Bool { created == orderCountMax && open.isEmpty && full.isEmpty && underWay == 0 }

  func next() -> Call? {
    let draw = random.index(below: 10)
    var call: Call?
    if draw < 2 { call = find() }
    if call == nil, draw < 4 { call = checkout() }
    if call == nil, draw < 8 { call = addItem() }
    guard let call = call ?? create() ?? addItem() ?? checkout() else { return nil }
    underWay += 1
    return call
  }

  private func find() -> Call? {
    guard !world.orders.isEmpty else { return nil }
    let order = random.index(below: world.orders.count)
    // An order answered as paid before this call must be shown as paid.
    return Call(kind: .findOrder, subject: order, amount: world.orders[order].answer == .paid ? 1 : 0)
  }

  private func checkout() -> Call? {
    full.popLast().map { world.checkout(of: $0, key: newKey()) }
  }

  private func addItem() -> Call? {
    guard let order = open.popLast() else { return nil }
    var item = random.index(below: world.items.count)
    if world.orders[order].lines.first?.item == item { item = (item + 1) % world.items.count }
    return Call(
      kind: .addItem, subject: order, object: item, amount: Int64(1 + random.index(below: 3)), key: newKey())
  }

  private func create() -> Call? {
    guard created < orderCountMax else { return nil }
    created += 1
    return Call(kind: .createOrder, subject: random.index(below: world.users.count), key: newKey())
  }

  func settle(_ call: Call, _ result: CallResult) -> Verdict {
    underWay -= 1
    switch call.kind {
    case .createOrder: return settleCreate(call, result)
    case .addItem: return settleAddItem(call, result)
    case .checkout: return world.settleCheckout(of: call.subject, result, allowsRefusals: false)
    default: return settleFind(call, result)
    }
  }

  private func settleCreate(_ call: Call, _ result: CallResult) -> Verdict {
    guard case .answered(status: 200, let body) = result else { return result.verdict }
    guard let answer = CreatedBody(body, member: "order_id") else { return .failed(.wrongBody) }
    open.append(world.orders.count)
    world.orders.append(World.Order(id: answer.id, user: call.subject, lines: []))
    return .expected
  }

  private func settleAddItem(_ call: Call, _ result: CallResult) -> Verdict {
    guard case .answered(status: 200, _) = result else {
      // The cart is left alone: nobody knows what is in it.
      world.orders[call.subject].areLinesUncertain = true
      return result.verdict
    }
    world.orders[call.subject].lines.append(World.Line(item: call.object, quantity: call.amount))
    if world.orders[call.subject].lines.count < 2 { open.append(call.subject) } else { full.append(call.subject) }
    return .expected
  }

  private func settleFind(_ call: Call, _ result: CallResult) -> Verdict {
    guard case .answered(status: 200, let body) = result else { return result.verdict }
    let order = world.orders[call.subject]
    guard let answer = OrderBody(body), answer.id == order.id, answer.user == world.users[order.user].id,
      call.amount == 0 || answer.isPaid
    else { return .failed(.wrongBody) }
    return .expected
  }
}
