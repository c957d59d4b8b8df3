import Model
import PartitionCore
import Streams

extension Session {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var run: UInt64 = 0
    var lane: UInt16 = 0
    var number: UInt32 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: run = try reader.fixed64(field)
      case 2: lane = try reader.narrow(field, "the session's lane")
      case 3: number = try reader.narrow(field, "the session's number")
      default: try reader.skip(field)
      }
    }
    self.init(run: run, lane: lane, number: number)
  }

  func write(to writer: inout Writer) {
    writer.number(3, UInt64(number))
    writer.number(2, UInt64(lane))
    writer.fixed64(1, run)
  }
}

extension StreamSource {
  /// - Parameters: the numbers of the oneof's members. That of an ingest log is written elsewhere: it is the last
  ///   field, and no word between pods names one.
  func write(to writer: inout Writer, partition: Int, session: Int) {
    switch self {
    case .partition(let source): writer.message(partition) { source.write(to: &$0) }
    case .session(let source): writer.message(session) { source.write(to: &$0) }
    case .ingest: break
    }
  }
}

extension Reader {
  /// A number of a stream or of a log's records, 0…2^63−1.
  mutating func streamNumber(_ field: Field, _ part: StaticString) throws(WireError) -> UInt64 {
    let value = try number(field)
    guard value <= WireLimits.streamNumberMax else { throw .invalid(part, "is too large") }
    return value
  }
}

extension ReceivedNumbers.Row {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var source: StreamSource?
    var number: UInt64 = 0
    var at = Timestamp.zero
    while let field = try reader.next() {
      switch field.number {
      case 1: source = .partition(try PartitionID(wire: reader.message(field)))
      case 2: source = .session(try Session(wire: reader.message(field)))
      case 3: number = try reader.streamNumber(field, "the received row's number")
      case 4: at = try reader.time(field, "the received row's time")
      case 5:
        _ = try reader.message(field)
        source = .ingest
      default: try reader.skip(field)
      }
    }
    self.init(source: try required(source, "the received row's source"), number: number, at: at)
  }

  func write(to writer: inout Writer) {
    if source == .ingest { writer.message(5) { _ in } }
    writer.number(4, at.milliseconds)
    writer.number(3, number)
    source.write(to: &writer, partition: 1, session: 2)
  }

  /// Whether it sorts before another one: partitions first, then sessions, each ascending, then the ingest log.
  func precedes(_ other: Self) -> Bool {
    switch (source, other.source) {
    case (.partition(let one), .partition(let other)): one < other
    case (.session(let one), .session(let other)): one < other
    case (.partition, .session), (.partition, .ingest), (.session, .ingest): true
    case (.session, .partition), (.ingest, _): false
    }
  }
}

extension CausedCount {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var destination: PartitionID?
    var number: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: destination = try PartitionID(wire: reader.message(field))
      case 2: number = try reader.streamNumber(field, "the caused row's number")
      default: try reader.skip(field)
      }
    }
    self.init(destination: try required(destination, "the caused row's destination"), number: number)
  }

  func write(to writer: inout Writer) {
    writer.number(2, number)
    writer.message(1) { destination.write(to: &$0) }
  }
}
