import Model

/// What the clients of a fleet ask for, at random.
struct CommandChoices {
  let userCount: Int
  let itemCount: Int
  /// In percent: how often somebody asks for an order that will be made soon.
  let earlyReadPercent: Int
  /// The commands that set up the shop; some are repeated now and then.
  let opening: [Command]

  func query(_ random: inout SeededRandom, _ orders: [OrderID]) -> Query {
    switch random.below(4) {
    case 0: .order(order(&random, orders))
    case 1: .item(item(&random))
    case 2: .user(user(&random))
    default: .payment(user(&random), order(&random, orders))
    }
  }

  /// - Parameters:
  ///   - isKeyed: what is created under a key may already exist.
  ///   - orders: receives the order that is created, if any.
  ///   - number: a number that no other command has.
  func command(
    isKeyed: Bool, _ random: inout SeededRandom, _ orders: inout [OrderID], number: UInt64
  ) -> Command {
    let freshness: Freshness = isKeyed ? .derived : .random
    switch random.below(100) {
    case 0..<16:
      let id = OrderID(unchecked: "o\(orders.count)")
      orders.append(id)
      return .orders(.create(id, user: user(&random), freshness))
    case 16..<37:
      return .orders(
        .addItem(
          recentOrder(0...4, &random, orders), item(&random), quantity(3, &random), price: price(&random)))
    case 37..<40:
      let units = Quantity(unchecked: Int64(random.below(4)))
      return .orders(
        .setItem(recentOrder(0...4, &random, orders), item(&random), units, price: price(&random)))
    case 40..<43: return .orders(.removeItem(order(&random, orders), item(&random)))
    case 43..<70:
      return .orders(
        .checkout(random.percent(90) ? recentOrder(3...10, &random, orders) : order(&random, orders)))
    // Not a batch's order: if it were paid, reset, removed and created again, its attempts would be counted from the
    // start.
    case 70..<72:
      return .orders(.remove(orders.count > 3 ? random.pick(Array(orders.dropFirst(3))) ?? orders[0] : none))
    case 72..<78: return .stock(.add(item(&random), quantity(4, &random)))
    case 78..<80: return .stock(.subtract(item(&random), quantity(3, &random)))
    case 80..<86: return .payments(.addFunds(user(&random), money(40, &random)))
    case 86..<88: return .payments(.pay(user(&random), nil, money(10, &random)))
    case 88..<93:
      return .payments(
        .pay(user(&random), order(&random, orders), Money(unchecked: Int64(5 * random.within(1...4)))))
    case 93..<96: return .payments(.cancel(user(&random), order(&random, orders)))
    case 96: return .stock(.create(ItemID(unchecked: "i\(number)"), price: money(9, &random), freshness))
    case 97: return .payments(.create(UserID(unchecked: "u\(number)"), freshness))
    case 98: return .orders(.batchInit(batch(&random)))
    default: return opening[random.below(opening.count)]
    }
  }

  private var none: OrderID { OrderID(unchecked: "none0") }

  private func order(_ random: inout SeededRandom, _ orders: [OrderID]) -> OrderID {
    if random.percent(3) { return OrderID(unchecked: "none\(random.below(4))") }
    // An order that is read before it exists.
    if random.percent(earlyReadPercent) { return OrderID(unchecked: "o\(orders.count)") }
    return recentOrder(0...8, &random, orders)
  }

  private func recentOrder(_ age: ClosedRange<Int>, _ random: inout SeededRandom, _ orders: [OrderID]) -> OrderID {
    orders[max(0, orders.count - 1 - random.within(age))]
  }

  private func item(_ random: inout SeededRandom) -> ItemID {
    // Most want the same one.
    let number = random.percent(40) ? 0 : random.below(itemCount + (random.percent(5) ? 2 : 0))
    return ItemID(unchecked: String(number))
  }

  private func user(_ random: inout SeededRandom) -> UserID {
    UserID(unchecked: String(random.below(userCount + (random.percent(5) ? 1 : 0))))
  }

  private func quantity(_ most: Int, _ random: inout SeededRandom) -> Quantity {
    Quantity(unchecked: random.percent(1) ? Quantity.max : Int64(random.within(1...most)))
  }

  private func money(_ most: Int, _ random: inout SeededRandom) -> Money {
    Money(unchecked: random.percent(1) ? Money.max : Int64(random.within(1...most)))
  }

  /// Prices change now and then.
  private func price(_ random: inout SeededRandom) -> Money {
    Money(unchecked: random.percent(85) ? 5 : Int64(random.within(0...9)))
  }

  private func batch(_ random: inout SeededRandom) -> OrderBatch {
    OrderBatch(
      numbers: 0..<3, itemCount: Int64(itemCount), userCount: Int64(userCount),
      itemPrice: Money(unchecked: Int64(random.within(1...9))), seed: random.next())
  }
}
