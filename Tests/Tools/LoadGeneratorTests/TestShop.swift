import Synchronization

/// A shop in memory with the part of the REST API that load runs use, and faults to plant.
final class TestShop: Sendable {
  enum Fault: Sendable {
    /// Takes the items of every tenth order twice from the stock.
    case takesStockTwice
    /// Sells although nothing is left, and shows a stock of 0.
    case oversells
    /// Charges every tenth order twice.
    case chargesTwice
    /// Answers every tenth checkout with success and does nothing.
    case losesPayment
    /// Answers every tenth checkout with out_of_stock and does nothing.
    case refusesWithoutReason
    /// Answers every tenth checkout with 500 and does nothing.
    case fails
    /// Executes every tenth checkout and closes the connection without an answer, the first time.
    case hangsUpOnce
    /// Answers every tenth checkout with 503, the first time.
    case refusesOnce
    /// Forgets idempotency keys, so that a create makes something new each time.
    case forgetsKeys
    /// Shows every tenth order that is looked for as open.
    case showsOldState
  }

  struct Order {
    var user: Int
    var lines: [(item: String, quantity: Int)] = []
    var isPaid = false
  }

  struct State {
    var credit: [String: Int] = [:]
    var stock: [String: Int] = [:]
    var orders: [String: Order] = [:]
    /// By idempotency key.
    var answers: [String: (status: Int, body: String)] = [:]
    var created = 0
    var checkouts = 0
    var finds = 0
    /// Orders whose first checkout met the fault.
    var struck: Set<String> = []
  }

  private let fault: Fault?
  private let state = Mutex(State())

  init(fault: Fault? = nil) { self.fault = fault }

  func respond(to request: TestRequest) -> TestAnswer {
    if request.path.isEmpty { return .answer(200, "{}") }
    return state.withLock { state in
      if let key = request.key, fault != .forgetsKeys, let stored = state.answers[key] {
        return .answer(stored.status, stored.body, headers: ["Idempotent-Replayed: true"])
      }
      let answer = answer(request.path, &state)
      if let key = request.key, case .answer(let status, let body, _) = answer, status < 500 {
        state.answers[key] = (status, body)
      }
      if fault == .hangsUpOnce, request.path[1] == "checkout", state.checkouts % 10 == 0,
        state.struck.insert(request.path[2]).inserted
      {
        return .hangUp
      }
      return answer
    }
  }

  private func answer(_ path: [String], _ state: inout State) -> TestAnswer {
    switch (path[0], path[1]) {
    case ("payment", "batch_init"):
      for index in 0..<number(path[2]) { state.credit[String(index)] = number(path[3]) }
    case ("stock", "batch_init"):
      for index in 0..<number(path[2]) { state.stock[String(index)] = number(path[3]) }
    case ("orders", "batch_init"):
      let items = number(path[3])
      for index in 0..<number(path[2]) {
        let lines = [(item: String(index % items), quantity: 1), (item: String((index + 1) % items), quantity: 1)]
        state.orders[String(index)] = Order(user: index % number(path[4]), lines: lines)
      }
    case ("stock", "item"):
      state.created += 1
      state.stock["made-\(state.created)"] = 0
      return .answer(200, "{\"item_id\":\"made-\(state.created)\"}")
    case ("stock", "add"): state.stock[path[2], default: 0] += number(path[3])
    case ("stock", "find"): return .answer(200, "{\"stock\":\(max(0, state.stock[path[2]] ?? 0)),\"price\":10}")
    case ("payment", "find_user"):
      return .answer(200, "{\"user_id\":\"\(path[2])\",\"credit\":\(state.credit[path[2]] ?? 0)}")
    case ("orders", "create"):
      state.created += 1
      state.orders["made-\(state.created)"] = Order(user: number(path[2]))
      return .answer(200, "{\"order_id\":\"made-\(state.created)\"}")
    case ("orders", "addItem"):
      state.orders[path[2]]?.lines.append((item: path[3], quantity: number(path[4])))
    case ("orders", "find"): return find(path[2], &state)
    case ("orders", "checkout"): return checkout(path[2], &state)
    default: return .answer(404, "{\"code\":\"not_found\"}")
    }
    return .answer(200, "{\"done\":true}")
  }

  private func find(_ id: String, _ state: inout State) -> TestAnswer {
    guard let order = state.orders[id] else { return .answer(404, "{\"code\":\"unknown_order\"}") }
    state.finds += 1
    let isPaid = order.isPaid && !(fault == .showsOldState && state.finds % 10 == 0)
    let lines = order.lines.map { "[\"\($0.item)\",\($0.quantity)]" }.joined(separator: ",")
    let total = order.lines.reduce(0) { $0 + $1.quantity * 10 }
    return .answer(
      200,
      "{\"order_id\":\"\(id)\",\"paid\":\(isPaid),\"items\":[\(lines)],\"user_id\":\"\(order.user)\",\"total_cost\":"
        + "\(total),\"status\":\"\(isPaid ? "paid" : "open")\"}")
  }

  private func checkout(_ id: String, _ state: inout State) -> TestAnswer {
    guard var order = state.orders[id] else { return .answer(404, "{\"code\":\"unknown_order\"}") }
    if order.isPaid { return .answer(200, "{\"done\":true}") }
    state.checkouts += 1
    let isTenth = state.checkouts % 10 == 0
    switch fault {
    case .losesPayment where isTenth: return .answer(200, "{\"done\":true}")
    case .fails where isTenth: return .answer(500, "{\"code\":\"internal_error\"}")
    case .refusesOnce where isTenth && state.struck.insert(id).inserted:
      return .answer(503, "{\"code\":\"overloaded\"}")
    case .refusesWithoutReason where isTenth:
      return .answer(409, "{\"code\":\"out_of_stock\",\"item_id\":\"\(order.lines[0].item)\"}")
    default: break
    }
    for line in order.lines where state.stock[line.item] ?? 0 < line.quantity && fault != .oversells {
      return .answer(409, "{\"code\":\"out_of_stock\",\"item_id\":\"\(line.item)\"}")
    }
    for line in order.lines {
      state.stock[line.item, default: 0] -= line.quantity * (fault == .takesStockTwice && isTenth ? 2 : 1)
    }
    let total = order.lines.reduce(0) { $0 + $1.quantity * 10 }
    state.credit[String(order.user), default: 0] -= total * (fault == .chargesTwice && isTenth ? 2 : 1)
    order.isPaid = true
    state.orders[id] = order
    return .answer(200, "{\"done\":true}")
  }

  private func number(_ text: String) -> Int { Int(text) ?? 0 }
}
