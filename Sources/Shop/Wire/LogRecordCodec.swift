import Model
import PartitionCore
import Streams

/// Turns the records of logs with one writer per partition into bytes, and back. The format is `LogRecord` of
/// `records.proto`.
///
/// It shares no field with `Record`, the previous format, and either reader explicitly refuses the other's records:
/// neither takes one for an empty record.
package enum LogRecordCodec {
  /// Appends the record's bytes to `bytes`.
  package static func encode(_ record: LogRecord, into bytes: inout [UInt8]) {
    switch record {
    case .owned(let owner):
      var writer = Writer(capacity: 320)
      writer.message(ownedField) { owner.write(to: &$0) }
      writer.withBytes { bytes.append(contentsOf: $0) }
    case .turn(let turn):
      var writer = Writer(capacity: 256 + 160 * min(turn.entries.count, 1_024))
      writer.message(turnField) { turn.write(to: &$0) }
      writer.withBytes { bytes.append(contentsOf: $0) }
    }
  }

  /// Decodes a record that anybody may have written. Never traps.
  /// - Throws: `WireError` that names the entry and what is wrong with it, or says that it has the previous format.
  package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> LogRecord {
    var reader = Reader(bytes)
    var record: LogRecord?
    while let field = try reader.next() {
      switch field.number {
      case RecordCodec.entriesField:
        throw WireError("the record is in the format from before partitions had one writer")
      case ownedField: record = .owned(try Owner(wire: reader.message(field)))
      case turnField: record = .turn(try TurnRecord(wire: reader.message(field)))
      default: try reader.skip(field)
      }
    }
    guard let record else { throw WireError("a record is of a kind that this version does not know") }
    return record
  }

  static let ownedField = 2
  static let turnField = 3
}

extension TurnRecord {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var epoch: UInt64 = 0
    var run: UInt64 = 0
    var number: UInt64 = 0
    var time = Timestamp.zero
    var controls: [Control] = []
    var entries: [LoggedInput] = []
    while let field = try reader.next() {
      switch field.number {
      case 1: epoch = try reader.number(field)
      case 2: run = try reader.fixed64(field)
      case 3: number = try reader.streamNumber(field, "the record's number")
      case 4: time = try reader.time(field, "the record's time")
      case 5:
        guard controls.count < WireLimits.recordControlsMax else {
          throw .invalid("the record", "has too many controls")
        }
        controls.append(try Control(wire: reader.message(field)))
      case 6:
        guard entries.count < WireLimits.recordEntriesMax else { throw .invalid("the record", "has too many entries") }
        do throws(WireError) {
          entries.append(try LoggedInput(wire: reader.message(field), after: entries.last?.origin))
        } catch {
          throw WireError("entry \(entries.count): \(error.reason)")
        }
      default: try reader.skip(field)
      }
    }
    guard epoch > 0 else { throw .missing("the owner's epoch") }
    guard number > 0 else { throw .missing("the record's number") }
    self.init(
      owner: OwnerID(epoch: epoch, run: run), number: number, time: time, controls: controls, entries: entries)
  }

  func write(to writer: inout Writer) {
    for place in entries.indices.reversed() {
      let previous = place > entries.startIndex ? entries[place - 1].origin : nil
      writer.message(6) { entries[place].write(to: &$0, after: previous) }
    }
    for control in controls.reversed() { writer.message(5) { control.write(to: &$0) } }
    writer.number(4, time.milliseconds)
    writer.number(3, number)
    writer.fixed64(2, owner.run)
    writer.number(1, owner.epoch)
  }
}

/// Most inputs of a turn follow another one of the same stream: these only store how much higher their number is.
extension LoggedInput {
  /// - Parameter previous: the origin of the previous entry, if it has one.
  init(wire: Reader, after previous: Origin?) throws(WireError) {
    var reader = wire
    var source: StreamSource?
    var number: UInt64 = 0
    var ahead: UInt64?
    var body: Body?
    while let field = try reader.next() {
      switch field.number {
      case 1: ahead = try reader.number(field)
      case 2:
        (source, ahead) = (.partition(try PartitionID(wire: reader.message(field))), nil)
      case 3:
        (source, ahead) = (.session(try Session(wire: reader.message(field))), nil)
      case 4: number = try reader.streamNumber(field, "the entry's number")
      case 5: body = .command(try ClientCommand(wire: reader.message(field)))
      case 6: body = try Body(skipWire: reader.message(field))
      case 7:
        _ = try reader.message(field)
        (source, ahead) = (.ingest, nil)
      case Message.kinds: body = .message(try Message(wire: reader.message(field), kind: field.number))
      default: try reader.skip(field)
      }
    }
    guard let body else { throw WireError("an entry is of a kind that this version does not know") }
    var origin: Origin?
    if let ahead {
      guard let previous else {
        throw .invalid("the entry", "continues the stream of the entry before it, and there is none")
      }
      let (sum, overflow) = previous.number.addingReportingOverflow(ahead)
      guard ahead > 0, !overflow, sum <= WireLimits.streamNumberMax else {
        throw .invalid("the entry's number", "is out of range")
      }
      origin = Origin(source: previous.source, number: sum)
    } else if let source {
      guard number > 0 else { throw .missing("the entry's number") }
      origin = Origin(source: source, number: number)
    }
    self.init(origin: origin, body: body)
  }

  func write(to writer: inout Writer, after previous: Origin?) {
    let ahead = origin.flatMap { $0.ahead(of: previous) }
    if origin?.source == .ingest, ahead == nil { writer.message(7) { _ in } }
    switch body {
    case .command(let command): writer.message(5) { command.write(to: &$0) }
    case .message(let message): writer.message(message.kind) { message.write(to: &$0) }
    case .skip(let request, let reason):
      writer.message(6) { writer in
        writer.choice(2, reason)
        if let request { writer.message(1) { request.write(to: &$0) } }
      }
    }
    guard let origin else { return }
    if let ahead { return writer.number(1, ahead) }
    writer.number(4, origin.number)
    origin.source.write(to: &writer, partition: 2, session: 3)
  }
}

extension LoggedInput.Origin {
  /// How much higher the number is than that of the entry before, if both are of one stream.
  fileprivate func ahead(of previous: Self?) -> UInt64? {
    guard let previous, previous.number < number, previous.source == source else { return nil }
    return number - previous.number
  }
}

extension LoggedInput.Body {
  fileprivate init(skipWire wire: Reader) throws(WireError) {
    var reader = wire
    var request: RequestID?
    var reason: SkipReason?
    while let field = try reader.next() {
      switch field.number {
      case 1: request = try RequestID(wire: reader.message(field))
      case 2: reason = try reader.choice(field, "the reason to skip")
      default: try reader.skip(field)
      }
    }
    self = .skip(request, try required(reason, "the reason to skip"))
  }
}
