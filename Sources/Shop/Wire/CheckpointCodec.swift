import Model
import PartitionCore
import Streams

/// Turns checkpoint headers into bytes, and back. The format is `CheckpointHeader` of `records.proto`.
public enum CheckpointCodec {
  /// Appends the header's bytes to `bytes`.
  /// - Parameter totals: what the store's rows add up to; nil where a store does not keep it.
  public static func encode(
    _ header: CheckpointHeader, totals: StoreTotals? = nil, into bytes: inout [UInt8]
  ) {
    let rows = header.dedup.count + header.received.count + header.caused.count
    var writer = Writer(capacity: 256 + 32 * min(rows, 1_024))
    if let totals { writer.message(14) { totals.write(to: &$0) } }
    if header.isReleased { writer.number(13, UInt64(1)) }
    for row in header.caused.reversed() { writer.message(12) { row.write(to: &$0) } }
    for row in header.received.reversed() { writer.message(11) { row.write(to: &$0) } }
    writer.number(10, header.number)
    if let owner = header.owner {
      writer.fixed64(9, owner.run)
      writer.number(8, owner.epoch)
    }
    if header.limits != .initial { writer.message(7) { header.limits.write(to: &$0) } }
    writer.message(6) { header.ledger.write(to: &$0) }
    for row in header.dedup.reversed() { writer.message(5) { row.write(to: &$0) } }
    writer.number(4, UInt64(header.rulesVersion))
    writer.number(3, header.now.milliseconds)
    writer.zigzag(2, header.offset)
    writer.message(1) { header.partition.write(to: &$0) }
    writer.withBytes { bytes.append(contentsOf: $0) }
  }

  /// Decodes the totals in a header's bytes, which anybody may have written; nil if it has none. Never traps.
  /// - Throws: `WireError` that names what is wrong.
  public static func totals(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> StoreTotals? {
    var reader = Reader(bytes)
    var totals: StoreTotals?
    while let field = try reader.next() {
      if field.number == 14 {
        totals = try StoreTotals(wire: reader.message(field))
      } else {
        try reader.skip(field)
      }
    }
    return totals
  }

  /// Decodes a header, without its totals, that anybody may have written. Never traps.
  /// - Throws: `WireError` that names what is wrong.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> CheckpointHeader {
    var reader = Reader(bytes)
    var partition: PartitionID?
    var offset: Int64 = 0
    var now = Timestamp.zero
    var rulesVersion: UInt32 = 0
    var dedup: [DedupRow] = []
    var ledger: Ledger?
    // The limits of a checkpoint that has none.
    var limits = RuleLimits.initial
    var (epoch, run, number, released) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    var received: [ReceivedNumbers.Row] = []
    var caused: [CausedCount] = []
    while let field = try reader.next() {
      switch field.number {
      case 1: partition = try PartitionID(wire: reader.message(field))
      case 2: offset = try reader.zigzag(field)
      case 3: now = try reader.time(field, "the checkpoint's time")
      case 4: rulesVersion = try reader.narrow(field, "the rules' version")
      case 5:
        let row = try DedupRow(wire: reader.message(field))
        // Ascending, so there are no more rows than partitions.
        if let last = dedup.last, last.source >= row.source { throw .invalid("the dedup rows", "do not ascend") }
        dedup.append(row)
      case 6: ledger = try Ledger(wire: reader.message(field))
      case 7: limits = try RuleLimits(wire: reader.message(field))
      case 8: epoch = try reader.number(field)
      case 9: run = try reader.fixed64(field)
      case 10: number = try reader.streamNumber(field, "the checkpoint's number")
      case 11:
        let row = try ReceivedNumbers.Row(wire: reader.message(field))
        if let last = received.last, !last.precedes(row) { throw .invalid("the received rows", "do not ascend") }
        received.append(row)
      case 12:
        let row = try CausedCount(wire: reader.message(field))
        if let last = caused.last, last.destination >= row.destination {
          throw .invalid("the caused rows", "do not ascend")
        }
        caused.append(row)
      case 13: released = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    // An offset of 2^63−1 has no next one.
    guard offset >= -1, offset < .max else { throw .invalid("the checkpoint's offset", "is out of range") }
    guard rulesVersion > 0 else { throw .missing("the rules' version") }
    return CheckpointHeader(
      partition: try required(partition, "the checkpoint's partition"),
      owner: epoch > 0 ? OwnerID(epoch: epoch, run: run) : nil, number: number, isReleased: released != 0,
      offset: offset, now: now, rulesVersion: rulesVersion, limits: limits, dedup: dedup,
      ledger: try required(ledger, "the checkpoint's ledger"), received: received, caused: caused)
  }
}

extension DedupRow {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var source: PartitionID?
    var offset: Int64 = 0
    var index: UInt32 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: source = try PartitionID(wire: reader.message(field))
      case 2: offset = try reader.offset(field)
      case 3: index = try reader.narrow(field, "the message's index")
      default: try reader.skip(field)
      }
    }
    self.init(
      source: try required(source, "the dedup row's source"), position: SourcePosition(offset: offset, index: index))
  }

  func write(to writer: inout Writer) {
    writer.number(3, UInt64(position.index))
    writer.number(2, position.offset)
    writer.message(1) { source.write(to: &$0) }
  }
}

extension Ledger {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    self.init()
    while let field = try reader.next() {
      switch field.number {
      case 1: checkoutMoney = try reader.number(field)
      case 2: checkouts = try reader.number(field)
      case 3: unitsSold = try reader.number(field)
      case 4: attempts = try reader.number(field)
      case 5: removedOrders = try reader.number(field)
      case 6: removedCheckouts = try reader.number(field)
      case 7: removedMoney = try reader.number(field)
      default: try reader.skip(field)
      }
    }
  }

  func write(to writer: inout Writer) {
    writer.number(7, removedMoney)
    writer.number(6, removedCheckouts)
    writer.number(5, removedOrders)
    writer.number(4, attempts)
    writer.number(3, unitsSold)
    writer.number(2, checkouts)
    writer.number(1, checkoutMoney)
  }
}
