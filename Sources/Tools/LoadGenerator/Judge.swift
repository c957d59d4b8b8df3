/// A rule that a run may find broken.
public enum BrokenRule: String, CaseIterable, Sendable {
  case paymentLost = "answered as paid, reads back unpaid"
  case paidThoughRefused = "answered as refused, reads back paid"
  case paidUnasked = "paid without a checkout"
  case creditNotConserved = "credit taken differs from the user's paid orders"
  case stockNotConserved = "stock taken differs from the units of paid orders"
  case oversold = "more units are in paid orders than there were"
  case wrongTotal = "total differs from the prices of its lines"
  case linesChanged = "lines differ from what was put in"
  case refusedWithoutReason = "refused though stock and credit suffice"
  case soldAfterRefusal = "sold to a buyer who came after another had been refused"
  case neverEnded = "checkout still under way"
  case notReadBack = "could not be read back"
}

/// What a run's answers and the state read back afterwards show.
public struct Truth: Sendable, Equatable {
  public internal(set) var ordersPaid = 0
  /// Checkouts answered 200.
  public internal(set) var acknowledged = 0
  public internal(set) var refused = 0
  /// Checkouts without a clear answer.
  public internal(set) var unknown = 0
  /// Those of them that were paid when read back.
  public internal(set) var unknownThatPaid = 0
  public internal(set) var unitsSold: Int128 = 0
  public internal(set) var creditTaken: Int128 = 0
  public internal(set) var broken: [BrokenRule: Int] = [:]
  /// Descriptions of the first cases.
  public internal(set) var examples: [String] = []

  /// Whether every rule held.
  public var isConserved: Bool { broken.isEmpty }

  mutating func found(_ rule: BrokenRule, _ what: @autoclosure () -> String) {
    broken[rule, default: 0] += 1
    if examples.count < LoadLimits.violationsDescribedMax { examples.append("\(what()): \(rule.rawValue)") }
  }
}

/// Compares what the server answered with the state it shows afterwards. It knows the rules of a shop but nothing of
/// how Kassa implements them. Nobody else may buy these items for these users in the meantime.
struct Judge {
  private let world: World
  private var truth = Truth()
  private var unitsByItem: [Int128]
  private var moneyByUser: [Int128]
  /// By item, then by quantity: when a buyer was first refused this many.
  private var refusals: [Int: [Int64: Int64]] = [:]

  static func judge(_ world: World) -> Truth {
    var judge = Judge(world: world)
    for index in world.orders.indices { judge.judgeOrder(index) }
    for order in world.orders { judge.judgeTurn(order) }
    for index in world.items.indices { judge.judgeItem(index) }
    for index in world.users.indices { judge.judgeUser(index) }
    return judge.truth
  }

  private init(world: World) {
    self.world = world
    unitsByItem = Array(repeating: 0, count: world.items.count)
    moneyByUser = Array(repeating: 0, count: world.users.count)
  }

  private mutating func judgeOrder(_ index: Int) {
    let order = world.orders[index]
    guard let atEnd = order.atEnd else { return truth.found(.notReadBack, "order \(order.id)") }
    if atEnd.isCheckingOut { truth.found(.neverEnded, "order \(order.id)") }
    if !order.areLinesUncertain, atEnd.lines != order.lines { truth.found(.linesChanged, "order \(order.id)") }
    judgeTotal(order, atEnd)
    if atEnd.isPaid {
      truth.ordersPaid += 1
      moneyByUser[order.user] += Int128(atEnd.total)
      for line in atEnd.lines where world.items.indices.contains(line.item) {
        unitsByItem[line.item] += Int128(line.quantity)
      }
    }
    switch order.answer {
    case .notAsked:
      if atEnd.isPaid { truth.found(.paidUnasked, "order \(order.id)") }
    case .paid:
      truth.acknowledged += 1
      if !atEnd.isPaid { truth.found(.paymentLost, "order \(order.id)") }
    case .unknown:
      truth.unknown += 1
      if atEnd.isPaid { truth.unknownThatPaid += 1 }
    case .refused(let code, let subject):
      truth.refused += 1
      if atEnd.isPaid { truth.found(.paidThoughRefused, "order \(order.id)") }
      if code == "out_of_stock", let line = line(of: subject, in: atEnd) {
        let known = refusals[line.item]?[line.quantity] ?? .max
        refusals[line.item, default: [:]][line.quantity] = min(known, order.answeredAt)
      }
      if !isReason(code, subject, order, atEnd) {
        truth.found(.refusedWithoutReason, "order \(order.id), \(code) \(subject)")
      }
    }
  }

  private mutating func judgeTotal(_ order: World.Order, _ atEnd: World.OrderAtEnd) {
    var total: Int128 = 0
    for line in atEnd.lines {
      guard world.items.indices.contains(line.item) else {
        return truth.found(.linesChanged, "order \(order.id) has an item that the run does not know")
      }
      total += Int128(line.quantity) * Int128(world.items[line.item].price)
    }
    if total != Int128(atEnd.total) {
      truth.found(.wrongTotal, "order \(order.id), \(atEnd.total) instead of \(total)")
    }
  }

  /// Whether a refusal was right. Stock and credit never grow during a run, and no buyer is turned away because of a
  /// hold that is later released; so what was refused must be unavailable in the end, too.
  private func isReason(_ code: String, _ subject: String, _ order: World.Order, _ atEnd: World.OrderAtEnd) -> Bool {
    switch code {
    case "out_of_stock":
      guard let line = line(of: subject, in: atEnd), let left = world.items[line.item].stockAtEnd else { return false }
      return left < line.quantity
    case "out_of_credit":
      guard world.users[order.user].id == subject, let left = world.users[order.user].creditAtEnd else { return false }
      return left < atEnd.total
    default: return false
    }
  }

  /// A buyer who asks after another was refused cannot get as many of the item: what was not enough then, including all
  /// that others held, is not enough later.
  private mutating func judgeTurn(_ order: World.Order) {
    guard let atEnd = order.atEnd, atEnd.isPaid else { return }
    for line in atEnd.lines {
      for (quantity, refusedAt) in refusals[line.item] ?? [:]
      where quantity <= line.quantity && refusedAt < order.askedAt {
        return truth.found(.soldAfterRefusal, "order \(order.id)")
      }
    }
  }

  private func line(of item: String, in atEnd: World.OrderAtEnd) -> World.Line? {
    guard let item = world.itemIndex(of: item) else { return nil }
    return atEnd.lines.first { $0.item == item }
  }

  private mutating func judgeItem(_ index: Int) {
    let item = world.items[index]
    guard let stockAtEnd = item.stockAtEnd else { return truth.found(.notReadBack, "item \(item.id)") }
    let taken = Int128(item.stockAtStart) - Int128(stockAtEnd)
    truth.unitsSold += unitsByItem[index]
    if unitsByItem[index] > Int128(item.stockAtStart) {
      truth.found(.oversold, "item \(item.id), \(unitsByItem[index]) of \(item.stockAtStart)")
    }
    if taken != unitsByItem[index] {
      truth.found(.stockNotConserved, "item \(item.id), \(taken) taken, \(unitsByItem[index]) in paid orders")
    }
  }

  private mutating func judgeUser(_ index: Int) {
    let user = world.users[index]
    guard let creditAtEnd = user.creditAtEnd else { return truth.found(.notReadBack, "user \(user.id)") }
    let taken = Int128(user.creditAtStart) - Int128(creditAtEnd)
    truth.creditTaken += taken
    if taken != moneyByUser[index] {
      truth.found(.creditNotConserved, "user \(user.id), \(taken) taken, paid orders cost \(moneyByUser[index])")
    }
  }
}
