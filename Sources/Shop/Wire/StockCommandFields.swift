import Model

extension StockCommand {
  /// The numbers of the members in the oneof.
  static let kinds = 20...23

  var kind: Int {
    switch self {
    case .create: 20
    case .add: 21
    case .subtract: 22
    case .batchInit: 23
    }
  }

  init(wire: Reader, kind: Int) throws(WireError) {
    if kind == 23 {
      self = .batchInit(try StockBatch(wire: wire))
      return
    }
    var reader = wire
    var item: ItemID?
    var price = Money.zero
    var quantity = Quantity.zero
    var freshness: Freshness?
    while let field = try reader.next() {
      switch (field.number, kind) {
      case (1, _): item = try reader.id(field, "the command's item")
      case (2, 20): price = try reader.amount(field, "the command's price")
      case (3, 20): freshness = try reader.choice(field, "the command's freshness")
      case (2, _): quantity = try reader.amount(field, "the command's quantity")
      default: try reader.skip(field)
      }
    }
    let id = try required(item, "the command's item")
    switch kind {
    case 20: self = .create(id, price: price, try required(freshness, "the command's freshness"))
    case 21: self = .add(id, quantity)
    default: self = .subtract(id, quantity)
    }
  }

  func write(to writer: inout Writer) {
    switch self {
    case .create(let item, let price, let freshness):
      writer.choice(3, freshness)
      writer.amount(2, price)
      writer.text(1, item.text)
    case .add(let item, let quantity), .subtract(let item, let quantity):
      writer.amount(2, quantity)
      writer.text(1, item.text)
    case .batchInit(let batch):
      batch.write(to: &writer)
    }
  }
}
