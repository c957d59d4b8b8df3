extension StoreTotals {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var counts: [Count] = []
    var (high, low) = (UInt64(0), UInt64(0))
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let (kind, count) = try Self.kindCount(reader.message(field))
        // So there are no more than kinds.
        guard count > 0, !counts.contains(where: { $0.kind == kind }) else {
          throw .invalid("the totals' counts", "are 0 or repeat a kind")
        }
        counts.append(Count(kind: kind, count: count))
      case 2: high = try reader.fixed64(field)
      case 3: low = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    self.init(counts: counts, hash: StateHash(high: high, low: low))
  }

  private static func kindCount(_ wire: Reader) throws(WireError) -> (UInt8, UInt64) {
    var reader = wire
    var (kind, count) = (UInt32(0), UInt64(0))
    while let field = try reader.next() {
      switch field.number {
      case 1: kind = try reader.narrow(field, "the totals' kind")
      case 2: count = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    guard let narrow = UInt8(exactly: kind) else { throw .invalid("the totals' kind", "is out of range") }
    return (narrow, count)
  }

  func write(to writer: inout Writer) {
    writer.fixed64(3, hash.low)
    writer.fixed64(2, hash.high)
    for row in counts.reversed() {
      writer.message(1) {
        $0.number(2, row.count)
        $0.number(1, UInt64(row.kind))
      }
    }
  }
}
