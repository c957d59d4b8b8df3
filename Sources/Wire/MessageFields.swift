import Model

extension PartitionMessage {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var source: PartitionID?
    var offset: Int64 = 0
    var index: UInt32 = 0
    var message: Message?
    while let field = try reader.next() {
      switch field.number {
      case 1: source = try PartitionID(wire: reader.message(field))
      case 2: offset = try reader.offset(field)
      case 3: index = try reader.narrow(field, "the message's index")
      case 10...15: message = try Message(wire: reader.message(field), kind: field.number)
      default: try reader.skip(field)
      }
    }
    guard let message else { throw WireError("a message is of a kind that this version does not know") }
    self.init(
      source: try required(source, "the message's source"), position: SourcePosition(offset: offset, index: index),
      message: message)
  }

  func write(to writer: inout Writer) {
    writer.message(message.kind) { message.write(to: &$0) }
    writer.number(3, UInt64(position.index))
    writer.number(2, position.offset)
    writer.message(1) { source.write(to: &$0) }
  }
}

extension Message {
  /// The number of the member in the oneof.
  fileprivate var kind: Int {
    switch self {
    case .reserve: 10
    case .charge: 11
    case .paid: 12
    case .commit: 13
    case .release: 14
    case .failed: 15
    }
  }

  fileprivate init(wire: Reader, kind: Int) throws(WireError) {
    let parts = try Parts(wire: wire, isAboutSlip: kind == 10 || kind == 11 || kind == 14)
    switch kind {
    case 10:
      let (slip, stop) = try parts.stopOfSlip()
      self = .reserve(slip, stop: stop)
    case 11: self = .charge(try required(parts.slip, "the message's slip"))
    case 12: self = .paid(try required(parts.attempt, "the message's attempt"))
    case 13: self = .commit(try required(parts.attempt, "the message's attempt"))
    case 14:
      let (slip, stop) = try parts.stopOfSlip()
      self = .release(slip, stop: stop, try required(parts.failure, "the message's failure"))
    default:
      self = .failed(
        try required(parts.attempt, "the message's attempt"), try required(parts.failure, "the message's failure"))
    }
  }

  fileprivate func write(to writer: inout Writer) {
    switch self {
    case .reserve(let slip, let stop):
      writer.number(2, UInt64(stop))
      writer.message(1) { slip.write(to: &$0) }
    case .charge(let slip):
      writer.message(1) { slip.write(to: &$0) }
    case .paid(let attempt), .commit(let attempt):
      writer.message(1) { attempt.write(to: &$0) }
    case .release(let slip, let stop, let failure):
      writer.message(3) { failure.write(to: &$0) }
      writer.number(2, UInt64(stop))
      writer.message(1) { slip.write(to: &$0) }
    case .failed(let attempt, let failure):
      writer.message(2) { failure.write(to: &$0) }
      writer.message(1) { attempt.write(to: &$0) }
    }
  }
}

/// The fields of a message between partitions. There are two layouts: (slip, stop, failure) and (attempt, failure),
/// each possibly cut short.
private struct Parts {
  var slip: Slip?
  var stop: UInt16 = 0
  var attempt: AttemptID?
  var failure: Failure?

  init(wire: Reader, isAboutSlip: Bool) throws(WireError) {
    var reader = wire
    while let field = try reader.next() {
      switch (field.number, isAboutSlip) {
      case (1, true): slip = try Slip(wire: reader.message(field))
      case (2, true): stop = try reader.narrow(field, "the message's stop")
      case (3, true), (2, false): failure = try Failure(wire: reader.message(field))
      case (1, false): attempt = try AttemptID(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
  }

  func stopOfSlip() throws(WireError) -> (Slip, UInt16) {
    let slip = try required(slip, "the message's slip")
    guard Int(stop) < slip.stops.count else { throw .invalid("the message's stop", "is not one of its slip") }
    return (slip, stop)
  }
}
