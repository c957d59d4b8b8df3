import Model

extension Item {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var item = Item(price: .zero)
    while let field = try reader.next() {
      switch field.number {
      case 1: item.price = try reader.amount(field, "the item's price")
      case 2: item.available = try reader.amount(field, "the item's available units")
      case 3: item.held = try reader.amount(field, "the item's held units")
      case 4: item.sold = try reader.amount(field, "the item's sold units")
      case 5: item.received = try reader.amount(field, "the item's received units")
      case 6:
        guard item.parked.count < WireLimits.itemParkedMax else {
          throw .invalid("the item", "has too many parked attempts")
        }
        item.parked.append(try AttemptID(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    self = item
  }

  func write(to writer: inout Writer) {
    for attempt in parked.reversed() { writer.message(6) { attempt.write(to: &$0) } }
    writer.amount(5, received)
    writer.amount(4, sold)
    writer.amount(3, held)
    writer.amount(2, available)
    writer.amount(1, price)
  }
}

extension Hold {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var slip: Slip?
    var stop: UInt16 = 0
    var status: Status?
    while let field = try reader.next() {
      switch field.number {
      case 1: slip = try Slip(wire: reader.message(field))
      case 2: stop = try reader.narrow(field, "the hold's stop")
      case 3: status = try reader.choice(field, "the hold's status")
      default: try reader.skip(field)
      }
    }
    self.init(
      slip: try required(slip, "the hold's slip"), stop: stop, status: try required(status, "the hold's status"))
    guard Int(stop) < self.slip.stops.count else { throw .invalid("the hold's stop", "is not in its slip") }
  }

  func write(to writer: inout Writer) {
    writer.choice(3, status)
    writer.number(2, UInt64(stop))
    writer.message(1) { slip.write(to: &$0) }
  }
}
