import Clocks

extension LoadRun {
  /// Reads every order, item and user of the run; the orders first, until no checkout is under way.
  func readBack() throws(LoadError) {
    if world.orders.contains(where: { $0.answer == .unknown }) {
      // What was cut off may still be on its way to the server.
      MonotonicClock.wait(until: MonotonicClock.nanoseconds + .nanoseconds(0.5))
    }
    let settledBy = MonotonicClock.nanoseconds + .nanoseconds(LoadLimits.settlingSeconds)
    var open = Array(world.orders.indices)
    while true {
      try readOrders(open)
      open = open.filter { world.orders[$0].atEnd?.isCheckingOut ?? false }
      if open.isEmpty || MonotonicClock.nanoseconds >= min(settledBy, endsAt) { break }
      MonotonicClock.wait(until: MonotonicClock.nanoseconds + .nanoseconds(0.02))
    }
    report.take(
      failuresOf: try runAll(count: world.items.count, call: { Call(kind: .findItem, subject: $0) }) {
        [world] call, result in
        guard case .answered(status: 200, let body) = result else { return result.verdict }
        guard let item = ItemBody(body) else { return .failed(.wrongBody) }
        world.items[call.subject].stockAtEnd = item.stock
        return .expected
      })
    report.take(
      failuresOf: try runAll(count: world.users.count, call: { Call(kind: .findUser, subject: $0) }) {
        [world] call, result in
        guard case .answered(status: 200, let body) = result else { return result.verdict }
        guard let user = UserBody(body), user.id == world.users[call.subject].id else { return .failed(.wrongBody) }
        world.users[call.subject].creditAtEnd = user.credit
        return .expected
      })
  }

  private func readOrders(_ open: [Int]) throws(LoadError) {
    report.take(
      failuresOf: try runAll(count: open.count, call: { Call(kind: .findOrder, subject: open[$0]) }) {
        [world] call, result in
        guard case .answered(status: 200, let body) = result else { return result.verdict }
        let known = world.orders[call.subject]
        guard let order = OrderBody(body), order.id == known.id, order.user == world.users[known.user].id else {
          return .failed(.wrongBody)
        }
        world.orders[call.subject].atEnd = World.OrderAtEnd(
          isPaid: order.isPaid, isCheckingOut: order.isCheckingOut, lines: world.lines(of: order), total: order.total)
        return .expected
      })
  }

  /// Asks again under every key that got an answer, and compares.
  func replayKeys() throws(LoadError) {
    let entries = keyBook.entries
    var keys = KeyReport()
    keys.used = Int(keyBook.used)
    keys.replayed = entries.count
    // The calls go out in any order, so each looks up its entry by key.
    let digests = Dictionary(entries.map { ($0.call.key, $0.digest) }, uniquingKeysWith: { first, _ in first })
    let tally = try runAll(count: entries.count, call: { entries[$0].call }) { call, result in
      guard case .answered(let status, let body) = result, KeyBook.isFinal(status) else {
        keys.unanswered += 1
        return .expected
      }
      if KeyBook.digest(status: status, body: body) == digests[call.key] {
        keys.equal += 1
      } else {
        keys.different += 1
      }
      return .expected
    }
    keys.marked = tally.replayedAnswers
    report.keys = keys
  }
}
