import Model

extension OrderCommand {
  /// The numbers of the members in the oneof.
  static let kinds = 10...17

  var kind: Int {
    switch self {
    case .create: 10
    case .remove: 11
    case .addItem: 12
    case .removeItem: 13
    case .checkout: 14
    case .batchInit: 15
    case .setItem: 16
    case .sweep: 17
    }
  }

  init(wire: Reader, kind: Int) throws(WireError) {
    if kind == 15 {
      self = .batchInit(try OrderBatch(wire: wire))
      return
    }
    if kind == 17 {
      self = .sweep(try Self.swept(wire))
      return
    }
    var reader = wire
    var order: OrderID?
    var user: UserID?
    var item: ItemID?
    var freshness: Freshness?
    var quantity = Quantity.zero
    var price = Money.zero
    while let field = try reader.next() {
      switch (field.number, kind) {
      case (1, _): order = try reader.id(field, "the command's order")
      case (2, 10): user = try reader.id(field, "the command's user")
      case (3, 10): freshness = try reader.choice(field, "the command's freshness")
      case (2, 12), (2, 13), (2, 16): item = try reader.id(field, "the command's item")
      case (3, 12), (3, 16): quantity = try reader.amount(field, "the command's quantity")
      case (4, 12), (4, 16): price = try reader.amount(field, "the command's price")
      default: try reader.skip(field)
      }
    }
    let id = try required(order, "the command's order")
    switch kind {
    case 10:
      self = .create(
        id, user: try required(user, "the command's user"), try required(freshness, "the command's freshness"))
    case 11: self = .remove(id)
    case 12: self = .addItem(id, try required(item, "the command's item"), quantity, price: price)
    case 13: self = .removeItem(id, try required(item, "the command's item"))
    case 16: self = .setItem(id, try required(item, "the command's item"), quantity, price: price)
    default: self = .checkout(id)
    }
  }

  private static func swept(_ wire: Reader) throws(WireError) -> [OrderID] {
    var reader = wire
    var orders: [OrderID] = []
    while let field = try reader.next() {
      switch field.number {
      case 1:
        guard orders.count < SweepLimits.ordersMax else { throw .invalid("the sweep", "has too many orders") }
        orders.append(try reader.id(field, "the sweep's order"))
      default: try reader.skip(field)
      }
    }
    return orders
  }

  func write(to writer: inout Writer) {
    switch self {
    case .create(let order, let user, let freshness):
      writer.choice(3, freshness)
      writer.text(2, user.text)
      writer.text(1, order.text)
    case .remove(let order), .checkout(let order):
      writer.text(1, order.text)
    case .addItem(let order, let item, let quantity, let price), .setItem(let order, let item, let quantity, let price):
      writer.amount(4, price)
      writer.amount(3, quantity)
      writer.text(2, item.text)
      writer.text(1, order.text)
    case .removeItem(let order, let item):
      writer.text(2, item.text)
      writer.text(1, order.text)
    case .batchInit(let batch):
      batch.write(to: &writer)
    case .sweep(let orders):
      for order in orders.reversed() { writer.text(1, order.text) }
    }
  }
}
