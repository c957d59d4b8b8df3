import Model

/// The numbers of a batch, fields 1 and 2 in every kind.
private struct Numbers {
  var first: Int64 = 0
  var end: Int64 = 0

  func range() throws(WireError) -> Range<Int64> {
    guard first <= end else { throw .invalid("the batch's numbers", "end before they begin") }
    guard end - first <= BatchLimits.numbersMax else { throw .invalid("the batch's numbers", "are too many") }
    return first..<end
  }

  static func write(_ numbers: Range<Int64>, to writer: inout Writer) {
    writer.number(2, numbers.upperBound)
    writer.number(1, numbers.lowerBound)
  }
}

extension OrderBatch {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var numbers = Numbers()
    var itemCount: Int64 = 0
    var userCount: Int64 = 0
    var itemPrice = Money.zero
    var seed: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: numbers.first = try reader.count(field, "the batch's first number")
      case 2: numbers.end = try reader.count(field, "the batch's end")
      case 3: itemCount = try reader.count(field, "the batch's number of items")
      case 4: userCount = try reader.count(field, "the batch's number of users")
      case 5: itemPrice = try reader.amount(field, "the batch's price")
      case 6: seed = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    self.init(
      numbers: try numbers.range(), itemCount: itemCount, userCount: userCount, itemPrice: itemPrice, seed: seed)
  }

  func write(to writer: inout Writer) {
    writer.fixed64(6, seed)
    writer.amount(5, itemPrice)
    writer.number(4, userCount)
    writer.number(3, itemCount)
    Numbers.write(numbers, to: &writer)
  }
}

extension StockBatch {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var numbers = Numbers()
    var stock = Quantity.zero
    var price = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: numbers.first = try reader.count(field, "the batch's first number")
      case 2: numbers.end = try reader.count(field, "the batch's end")
      case 3: stock = try reader.amount(field, "the batch's stock")
      case 4: price = try reader.amount(field, "the batch's price")
      default: try reader.skip(field)
      }
    }
    self.init(numbers: try numbers.range(), stock: stock, price: price)
  }

  func write(to writer: inout Writer) {
    writer.amount(4, price)
    writer.amount(3, stock)
    Numbers.write(numbers, to: &writer)
  }
}

extension UserBatch {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var numbers = Numbers()
    var credit = Money.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: numbers.first = try reader.count(field, "the batch's first number")
      case 2: numbers.end = try reader.count(field, "the batch's end")
      case 3: credit = try reader.amount(field, "the batch's credit")
      default: try reader.skip(field)
      }
    }
    self.init(numbers: try numbers.range(), credit: credit)
  }

  func write(to writer: inout Writer) {
    writer.amount(3, credit)
    Numbers.write(numbers, to: &writer)
  }
}
