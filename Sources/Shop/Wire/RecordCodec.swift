import Model

/// Turns records into the bytes in the logs, and back. The format is that of `records.proto`.
public enum RecordCodec {
  /// Appends the record's bytes to `bytes`.
  public static func encode(_ record: Record, into bytes: inout [UInt8]) {
    var writer = Writer(capacity: 256 + 160 * min(record.entries.count, 1_024))
    for entry in record.entries.reversed() {
      writer.message(entriesField) { entry.write(to: &$0) }
    }
    writer.withBytes { bytes.append(contentsOf: $0) }
  }

  /// Decodes a record that anybody may have written. Never traps.
  ///
  /// Fields may come in any order; if a field that is not a list is repeated, the last one counts. Unknown fields are
  /// skipped, unless an entry would be meaningless without them.
  /// - Throws: `WireError` that names the entry and what is wrong with it.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Record {
    var reader = Reader(bytes)
    var entries: [Entry] = []
    while let field = try reader.next() {
      guard field.number == entriesField else {
        guard field.number != LogRecordCodec.ownedField, field.number != LogRecordCodec.turnField else {
          throw WireError("the record is in the format in which partitions have one writer")
        }
        try reader.skip(field)
        continue
      }
      guard entries.count < WireLimits.recordEntriesMax else { throw .invalid("the record", "has too many entries") }
      do throws(WireError) {
        entries.append(try Entry(wire: reader.message(field)))
      } catch {
        throw WireError("entry \(entries.count): \(error.reason)")
      }
    }
    return Record(entries: entries)
  }

  static let entriesField = 1
}

extension Entry {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var time = Timestamp.zero
    var body: Body?
    while let field = try reader.next() {
      switch field.number {
      case 1: time = try reader.time(field, "the entry's time")
      case 2: body = .command(try ClientCommand(wire: reader.message(field)))
      case 3: body = .message(try PartitionMessage(wire: reader.message(field)))
      case 4: body = .control(try Control(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    guard let body else { throw WireError("an entry is of a kind that this version does not know") }
    self.init(time: time, body: body)
  }

  func write(to writer: inout Writer) {
    switch body {
    case .command(let command): writer.message(2) { command.write(to: &$0) }
    case .message(let message): writer.message(3) { message.write(to: &$0) }
    case .control(let control): writer.message(4) { control.write(to: &$0) }
    }
    writer.number(1, time.milliseconds)
  }
}
