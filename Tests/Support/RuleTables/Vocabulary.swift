import Model

/// The words of the tables' events.
enum Vocabulary {
  static func command(_ words: [String], to service: Service) -> Command? {
    switch service {
    case .orders: orders(words).map(Command.orders)
    case .stock: stock(words).map(Command.stock)
    case .payments: payments(words).map(Command.payments)
    }
  }

  private static func orders(_ words: [String]) -> OrderCommand? {
    let number = words.map { Int64($0) ?? -1 }
    switch (words.first, words.count) {
    case ("create", 3): return .create(OrderID(unchecked: words[1]), user: UserID(unchecked: words[2]), .derived)
    case ("remove", 2): return .remove(OrderID(unchecked: words[1]))
    // add ORDER ITEM QUANTITY at PRICE
    case ("add", 6):
      return .addItem(
        OrderID(unchecked: words[1]), ItemID(unchecked: words[2]), Quantity(unchecked: number[3]),
        price: Money(unchecked: number[5]))
    // set ORDER ITEM QUANTITY at PRICE
    case ("set", 6):
      return .setItem(
        OrderID(unchecked: words[1]), ItemID(unchecked: words[2]), Quantity(unchecked: number[3]),
        price: Money(unchecked: number[5]))
    case ("take", 3): return .removeItem(OrderID(unchecked: words[1]), ItemID(unchecked: words[2]))
    case ("checkout", 2): return .checkout(OrderID(unchecked: words[1]))
    // sweep ORDER …
    case ("sweep", _): return .sweep(words.dropFirst().map { OrderID(unchecked: $0) })
    // init FIRST END items COUNT users COUNT at PRICE
    case ("init", 9):
      return .batchInit(
        OrderBatch(
          numbers: number[1]..<number[2], itemCount: number[4], userCount: number[6],
          itemPrice: Money(unchecked: number[8]), seed: 1))
    default: return nil
    }
  }

  private static func stock(_ words: [String]) -> StockCommand? {
    let number = words.map { Int64($0) ?? -1 }
    switch (words.first, words.count) {
    case ("create", 4): return .create(ItemID(unchecked: words[1]), price: Money(unchecked: number[3]), .derived)
    case ("add", 3): return .add(ItemID(unchecked: words[1]), Quantity(unchecked: number[2]))
    case ("subtract", 3): return .subtract(ItemID(unchecked: words[1]), Quantity(unchecked: number[2]))
    // init FIRST END stock QUANTITY at PRICE
    case ("init", 7):
      return .batchInit(
        StockBatch(
          numbers: number[1]..<number[2], stock: Quantity(unchecked: number[4]), price: Money(unchecked: number[6])))
    default: return nil
    }
  }

  private static func payments(_ words: [String]) -> PaymentCommand? {
    let number = words.map { Int64($0) ?? -1 }
    switch (words.first, words.count) {
    case ("create", 2): return .create(UserID(unchecked: words[1]), .derived)
    case ("fund", 3): return .addFunds(UserID(unchecked: words[1]), Money(unchecked: number[2]))
    case ("pay", 3): return .pay(UserID(unchecked: words[1]), nil, Money(unchecked: number[2]))
    case ("pay", 4):
      return .pay(UserID(unchecked: words[1]), OrderID(unchecked: words[2]), Money(unchecked: number[3]))
    case ("cancel", 3): return .cancel(UserID(unchecked: words[1]), OrderID(unchecked: words[2]))
    // init FIRST END credit AMOUNT
    case ("init", 5):
      return .batchInit(UserBatch(numbers: number[1]..<number[2], credit: Money(unchecked: number[4])))
    default: return nil
    }
  }

  static func limits(_ words: ArraySlice<String>) -> RuleLimits? {
    let number = words.dropFirst().compactMap { Int($0) }
    guard words.first == "limits", number.count == 4 else { return nil }
    return RuleLimits(
      orderLinesMax: number[0], orderWaitersMax: number[1], itemParkedMax: number[2],
      idempotencyExpiryMilliseconds: Int64(number[3]))
  }

  /// rules VERSION
  static func rules(_ words: ArraySlice<String>) -> UInt32? {
    words.count == 2 && words.first == "rules" ? words.last.flatMap { UInt32($0) } : nil
  }

  static func query(_ words: [String]) -> Query? {
    switch (words.first, words.count) {
    case ("order", 2): .order(OrderID(unchecked: words[1]))
    case ("item", 2): .item(ItemID(unchecked: words[1]))
    case ("user", 2): .user(UserID(unchecked: words[1]))
    case ("payment", 3): .payment(UserID(unchecked: words[1]), OrderID(unchecked: words[2]))
    default: nil
    }
  }

  // MARK: Messages

  /// - Parameter rules: under the newest ones attempts are numbered from 2^32 on; tables write 1, 2, 3.
  static func message(_ words: [String], to service: Service, rules: UInt32) -> Message? {
    if words.first == "forget" { return removed(words, rules).map { .forgetPayment($0) } }
    guard words.count > 1, let attempt = attempt(words[1], rules) else { return nil }
    switch words[0] {
    case "paid": return .paid(attempt)
    case "failed": return words.count > 3 ? failure(words[2], words[3]).map { .failed(attempt, $0) } : nil
    case "commit": return .commit(attempt)
    // reserve ATTEMPT STOP for USER: 0 apple:2 | 1 pear:1
    case "reserve": return slip(attempt, words, from: 5, for: 4).map { .reserve($0, stop: stop(words[2])) }
    // release ATTEMPT STOP REASON ID: 0 apple:2 | 1 pear:1
    case "release":
      guard words.count > 4, let failure = failure(words[3], String(words[4].dropLast())) else { return nil }
      return slip(attempt, words, from: 5, for: nil).map { .release($0, stop: stop(words[2]), failure) }
    // charge ATTEMPT AMOUNT for USER: 0 apple:2 | 1 pear:1
    case "charge": return slip(attempt, words, from: 5, for: 4, total: Int64(words[2]) ?? 0).map { .charge($0) }
    default: return nil
    }
  }

  /// forget ORDER of USER before TIME, or with: paid ATTEMPT AMOUNT
  private static func removed(_ words: [String], _ rules: UInt32) -> RemovedOrder? {
    guard words.count == 6 || words.count == 9, let before = Int64(words[5]) else { return nil }
    var paid: RemovedOrder.Receipt?
    if words.count == 9 {
      guard let attempt = attempt(words[7], rules), let amount = Int64(words[8]) else { return nil }
      paid = RemovedOrder.Receipt(attempt: attempt.number, amount: Money(unchecked: amount))
    }
    return RemovedOrder(
      order: OrderID(unchecked: words[1]), user: UserID(unchecked: words[3]),
      before: Timestamp(milliseconds: before), paid: paid)
  }

  private static func stop(_ word: String) -> UInt16 { UInt16(word) ?? .max }

  private static func attempt(_ word: String, _ rules: UInt32) -> AttemptID? {
    let halves = word.split(separator: "/")
    guard halves.count == 2, let number = UInt64(halves[1]) else { return nil }
    let before = rules >= Rules.eras ? AttemptID.ofOrderMax : 0
    return AttemptID(order: OrderID(unchecked: String(halves[0])), number: before + number)
  }

  static func failure(_ reason: String, _ id: String) -> Failure? {
    switch reason {
    case "outOfStock": .outOfStock(ItemID(unchecked: id))
    case "outOfCredit": .outOfCredit(UserID(unchecked: id))
    case "tooManyWaiting": .tooManyWaiting(ItemID(unchecked: id))
    default: nil
    }
  }

  private static func slip(
    _ attempt: AttemptID, _ words: [String], from start: Int, for user: Int?, total: Int64 = 10
  ) -> Slip? {
    guard words.count >= start else { return nil }
    var stops: [Slip.Stop] = []
    for text in words[start...].split(separator: "|") {
      guard let first = text.first, let partition = UInt16(first) else { return nil }
      let lines = text.dropFirst().map { word in
        let halves = word.split(separator: ":")
        return Slip.Line(
          item: ItemID(unchecked: String(halves[0])), quantity: Quantity(unchecked: Int64(halves.last ?? "") ?? 1))
      }
      stops.append(Slip.Stop(partition: partition, lines: Array(lines)))
    }
    let name = user.map { String(words[$0].dropLast()) } ?? "alice"
    return Slip(
      attempt: attempt, user: UserID(unchecked: name), total: Money(unchecked: total), stops: stops, trace: nil)
  }
}
