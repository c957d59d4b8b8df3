import Model

extension LoadRun {
  /// Creates users, items and orders, and reads them back.
  func setUp() throws(LoadError) {
    if configuration.scenario == .raw { return }
    let users = configuration.users
    let items = configuration.items
    for index in 0..<users { world.addUser(id: String(index)) }
    for index in 0..<items { world.addItem(id: String(index), price: LoadConfiguration.price) }
    var batches = [
      Call(kind: .createUsers, subject: users, amount: LoadConfiguration.creditAtStart, key: newKey()),
      Call(
        kind: .createItems, subject: items, amount: LoadConfiguration.stockAtStart, price: LoadConfiguration.price,
        key: newKey()),
    ]
    switch configuration.scenario {
    case .checkout, .idle, .reads:
      let count = configuration.orderCount
      batches.append(
        Call(
          kind: .createOrders, subject: count, object: items, amount: Int64(users), price: LoadConfiguration.price,
          key: newKey()))
      try makeBatches(batches)
      try readPreparedOrders(count: count)
    case .hot, .scarce:
      try makeBatches(batches)
      try createOrdersOfOneItem()
    case .mixed, .raw: try makeBatches(batches)
    }
    try readStart()
  }

  /// Makes every call and throws if one of them does not succeed.
  private func mustSucceed(
    _ what: String, count: Int, timeoutSeconds: Double? = nil, call: @escaping (Int) -> Call,
    take: @escaping (Call, UnsafeBufferPointer<UInt8>) -> Bool
  ) throws(LoadError) {
    var firstRefusal: String?
    let tally = try runAll(count: count, timeoutSeconds: timeoutSeconds, call: call) { call, result in
      guard case .answered(let status, let body) = result else { return result.verdict }
      if status == 200 { return take(call, body) ? .expected : .failed(.wrongBody) }
      firstRefusal = firstRefusal ?? "\(status) \(ProblemBody(body)?.code ?? "")"
      return .failed(.unexpectedStatus)
    }
    report.retries += tally.retries
    report.reconnects += tally.reconnects
    let failed = tally.failures.map { "\($1) × \($0.rawValue)" }.sorted().joined(separator: ", ")
    guard failed.isEmpty else {
      throw LoadError("set-up failed: \(what): \(failed)" + (firstRefusal.map { "; the first: \($0)" } ?? ""))
    }
  }

  private func makeBatches(_ batches: [Call]) throws(LoadError) {
    for batch in batches {
      try mustSucceed(
        batch.kind.name, count: 1, timeoutSeconds: LoadLimits.batchTimeoutSeconds, call: { _ in batch },
        take: { _, _ in true })
    }
  }

  /// Reads the contents of the orders 0 ..< `count` of a `batch_init`. Those paid in an earlier run are ignored.
  private func readPreparedOrders(count: Int) throws(LoadError) {
    world.orders = (0..<count).map { World.Order(id: String($0), user: 0, lines: []) }
    var paid = Set<Int>()
    try mustSucceed("orders find", count: count, call: { Call(kind: .findOrder, subject: $0) }) { [world] call, body in
      guard let order = OrderBody(body), order.id == world.orders[call.subject].id,
        let user = world.userIndex(of: order.user), !order.isCheckingOut
      else { return false }
      if order.isPaid { paid.insert(call.subject) }
      world.orders[call.subject] = World.Order(id: order.id, user: user, lines: world.lines(of: order))
      return true
    }
    guard paid.count < count else {
      throw LoadError("all \(count) orders are paid already: use a fresh data folder or more orders")
    }
    if !paid.isEmpty {
      world.orders = world.orders.indices.filter { !paid.contains($0) }.map { world.orders[$0] }
      report.notes.append("\(paid.count) of the \(count) orders were paid by an earlier run and left out")
    }
  }

  /// Creates one item that everybody wants, and orders that contain it and one other.
  private func createOrdersOfOneItem() throws(LoadError) {
    let hot = world.items.count
    let count = configuration.orderCount
    let stock =
      configuration.scenario == .scarce
      ? Int64(configuration.scarceStock ?? count / 2) : LoadConfiguration.stockAtStart
    let item = Call(kind: .createItem, price: LoadConfiguration.price, key: newKey())
    try mustSucceed("stock item create", count: 1, call: { _ in item }) { [world] _, body in
      guard let created = CreatedBody(body, member: "item_id") else { return false }
      world.addItem(id: created.id, price: LoadConfiguration.price)
      return true
    }
    let added = Call(kind: .addStock, subject: hot, amount: stock, key: newKey())
    try mustSucceed("stock add", count: 1, call: { _ in added }, take: { _, _ in true })

    var random = SplitMix64(seed: configuration.seed)
    let users = configuration.users
    try mustSucceed(
      "orders create", count: count,
      call: { [self] _ in Call(kind: .createOrder, subject: random.index(below: users), key: newKey()) },
      take: { [world] call, body in
        guard let created = CreatedBody(body, member: "order_id") else { return false }
        world.orders.append(World.Order(id: created.id, user: call.subject, lines: []))
        return true
      })
    try addItems { _ in hot }
    var others = SplitMix64(seed: configuration.seed &+ 1)
    try addItems { _ in others.index(below: hot) }
  }

  /// Adds one unit of an item to every order.
  private func addItems(_ item: @escaping (Int) -> Int) throws(LoadError) {
    try mustSucceed(
      "orders addItem", count: world.orders.count,
      call: { [self] order in
        Call(kind: .addItem, subject: order, object: item(order), amount: 1, key: newKey())
      },
      take: { [world] call, _ in
        world.orders[call.subject].lines.append(World.Line(item: call.object, quantity: 1))
        return true
      })
  }

  /// Reads stock and credit before the first checkout.
  private func readStart() throws(LoadError) {
    try mustSucceed(
      "payment find_user", count: world.users.count, call: { Call(kind: .findUser, subject: $0) },
      take: { [world] call, body in
        guard let user = UserBody(body), user.id == world.users[call.subject].id else { return false }
        world.users[call.subject].creditAtStart = user.credit
        return true
      })
    try mustSucceed(
      "stock find", count: world.items.count, call: { Call(kind: .findItem, subject: $0) },
      take: { [world] call, body in
        guard let item = ItemBody(body) else { return false }
        world.items[call.subject].stockAtStart = item.stock
        world.items[call.subject].price = item.price
        return true
      })
  }
}
