import Model

extension AttemptID {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var order: OrderID?
    var number: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: order = try reader.id(field, "the attempt's order")
      case 2: number = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    guard number > 0 else { throw .missing("the attempt's number") }
    self.init(order: try required(order, "the attempt's order"), number: number)
  }

  func write(to writer: inout Writer) {
    writer.number(2, number)
    writer.text(1, order.text)
  }
}

extension Slip {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var attempt: AttemptID?
    var user: UserID?
    var total = Money.zero
    var stops: [Stop] = []
    var lineCount = 0
    var trace: TraceContext?
    while let field = try reader.next() {
      switch field.number {
      case 1: attempt = try AttemptID(wire: reader.message(field))
      case 2: user = try reader.id(field, "the slip's user")
      case 3: total = try reader.amount(field, "the slip's total")
      case 4:
        let stop = try Stop(wire: reader.message(field))
        if let last = stops.last, last.partition >= stop.partition {
          throw .invalid("the slip's stops", "do not ascend")
        }
        lineCount += stop.lines.count
        guard lineCount <= WireLimits.orderLinesMax else { throw .invalid("the slip", "has too many lines") }
        stops.append(stop)
      case 5: trace = try TraceContext(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    self.init(
      attempt: try required(attempt, "the slip's attempt"), user: try required(user, "the slip's user"),
      total: total, stops: stops, trace: trace)
  }

  func write(to writer: inout Writer) {
    if let trace { writer.message(5) { trace.write(to: &$0) } }
    for stop in stops.reversed() { writer.message(4) { stop.write(to: &$0) } }
    writer.amount(3, total)
    writer.text(2, user.text)
    writer.message(1) { attempt.write(to: &$0) }
  }
}

extension Slip.Stop {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var partition: UInt16 = 0
    var lines: [Slip.Line] = []
    while let field = try reader.next() {
      switch field.number {
      case 1: partition = try reader.partitionIndex(field)
      case 2:
        let line = try Slip.Line(wire: reader.message(field))
        if let last = lines.last, last.item >= line.item { throw .invalid("the stop's lines", "do not ascend") }
        guard lines.count < WireLimits.orderLinesMax else { throw .invalid("the stop", "has too many lines") }
        lines.append(line)
      default: try reader.skip(field)
      }
    }
    guard !lines.isEmpty else { throw .missing("the stop's first line") }
    self.init(partition: partition, lines: lines)
  }

  func write(to writer: inout Writer) {
    for line in lines.reversed() { writer.message(2) { line.write(to: &$0) } }
    writer.number(1, UInt64(partition))
  }
}

extension Slip.Line {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var item: ItemID?
    var quantity = Quantity.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: item = try reader.id(field, "the line's item")
      case 2: quantity = try reader.amount(field, "the line's quantity")
      default: try reader.skip(field)
      }
    }
    guard quantity > .zero else { throw .missing("the line's quantity") }
    self.init(item: try required(item, "the line's item"), quantity: quantity)
  }

  func write(to writer: inout Writer) {
    writer.amount(2, quantity)
    writer.text(1, item.text)
  }
}
