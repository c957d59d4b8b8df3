import Model
import PartitionCore
import Streams

/// A message about one stream, of any kind.
struct StreamWord {
  let source: StreamSource
  let tenure: MeshTenure
  let number: UInt64
  let asOf: Timestamp
  let now: Timestamp
  let asker: UInt64

  init(
    _ source: StreamSource, _ destination: PartitionID, _ owner: OwnerID, number: UInt64 = 0, asOf: Timestamp = .zero,
    now: Timestamp = .zero, asker: UInt64 = 0
  ) {
    self.source = source
    tenure = MeshTenure(partition: destination, owner: owner)
    self.number = number
    self.asOf = asOf
    self.now = now
    self.asker = asker
  }

  init(_ greeting: StreamGreeting) {
    self.init(
      greeting.source, greeting.destination, greeting.owner, number: greeting.number, asOf: greeting.asOf,
      now: greeting.now, asker: greeting.asker)
  }

  init(_ word: StreamAcknowledgement) {
    self.init(word.source, word.destination, word.owner, number: word.number, asOf: word.asOf)
  }

  init(_ gap: StreamGap) { self.init(gap.source, gap.destination, gap.owner, number: gap.expected) }

  var greeting: StreamGreeting {
    StreamGreeting(
      source: source, destination: tenure.partition, owner: tenure.owner, number: number, now: now, asOf: asOf,
      asker: asker)
  }

  var acknowledgement: StreamAcknowledgement {
    StreamAcknowledgement(
      source: source, destination: tenure.partition, owner: tenure.owner, number: number, asOf: asOf)
  }

  var gap: StreamGap {
    StreamGap(source: source, destination: tenure.partition, owner: tenure.owner, expected: number)
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var source: StreamSource?
    var tenure: MeshTenure?
    var number: UInt64 = 0
    var asOf = Timestamp.zero
    var now = Timestamp.zero
    var asker: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: source = .partition(try PartitionID(wire: reader.message(field)))
      case 2: source = .session(try Session(wire: reader.message(field)))
      case 3: tenure = try MeshTenure(wire: reader.message(field))
      case 4: number = try reader.streamNumber(field, "the stream's number")
      case 5: asOf = try reader.time(field, "the time of the stream's last use")
      case 6: now = try reader.time(field, "the stream's time")
      case 7: asker = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    self.source = try required(source, "the stream's source")
    self.tenure = try required(tenure, "the tenure")
    self.number = number
    self.asOf = asOf
    self.now = now
    self.asker = asker
  }

  func write(to writer: inout Writer) {
    writer.number(7, asker)
    writer.number(6, now.milliseconds)
    writer.number(5, asOf.milliseconds)
    writer.number(4, number)
    writer.message(3) { tenure.write(to: &$0) }
    source.write(to: &writer, partition: 1, session: 2)
  }
}

extension StreamFrame {
  /// `StreamInputs`.
  fileprivate init(
    wire: Reader, _ input: (Reader) throws(WireError) -> Input
  ) throws(WireError) {
    var reader = wire
    var stream: StreamWord?
    var inputs: [Input] = []
    inputs.reserveCapacity(reader.count(of: 2, max: WireLimits.meshListMax))
    while let field = try reader.next() {
      switch field.number {
      case 1: stream = try StreamWord(wire: reader.message(field))
      case 2:
        guard inputs.count < WireLimits.meshListMax else { throw WireError("there are too many inputs") }
        do throws(WireError) {
          inputs.append(try input(reader.message(field)))
        } catch {
          throw WireError("input \(inputs.count): \(error.reason)")
        }
      default: try reader.skip(field)
      }
    }
    let word = try required(stream, "the stream")
    guard !inputs.isEmpty else { throw .missing("the stream's first input") }
    guard word.number > 0 else { throw .missing("the stream's number") }
    guard word.number <= WireLimits.streamNumberMax - UInt64(inputs.count - 1) else {
      throw .invalid("the stream's number", "is too large")
    }
    self.init(
      source: word.source, destination: word.tenure.partition, owner: word.tenure.owner, first: word.number,
      inputs: inputs, asOf: word.asOf)
  }

  /// - Parameter list: which inputs are written.
  func write(to writer: inout Writer, _ list: Range<Int>, _ input: (Input, inout Writer) -> Void) {
    for place in list.reversed() { writer.message(2) { input(inputs[place], &$0) } }
    let word = StreamWord(source, destination, owner, number: first &+ UInt64(list.lowerBound), asOf: asOf)
    writer.message(1) { word.write(to: &$0) }
  }
}

extension StreamFrame<StreamInput> {
  init(commandsWire wire: Reader) throws(WireError) {
    try self.init(wire: wire) { reader throws(WireError) in try StreamInput(wire: reader) }
  }
}

extension StreamFrame<Message> {
  init(messagesWire wire: Reader) throws(WireError) {
    try self.init(wire: wire) { reader throws(WireError) in
      guard case .message(let message) = try StreamInput(wire: reader) else {
        throw WireError("there is a command among messages")
      }
      return message
    }
  }
}

/// A command's deadline is encoded in milliseconds from now, within `WireLimits.deadlineMillisecondsMax` in both
/// directions; below 0 it has passed.
extension StreamInput {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var command: ClientCommand?
    var message: Message?
    var deadline: Int64?
    while let field = try reader.next() {
      switch field.number {
      case 1: (command, message) = (try ClientCommand(wire: reader.message(field)), nil)
      case 2:
        let value = try reader.zigzag(field)
        guard value.magnitude <= WireLimits.deadlineMillisecondsMax.magnitude else {
          throw .invalid("the command's deadline", "is out of range")
        }
        deadline = value
      case Message.kinds: (command, message) = (nil, try Message(wire: reader.message(field), kind: field.number))
      default: try reader.skip(field)
      }
    }
    if let command {
      self = .command(command, deadline: deadline)
    } else if let message {
      self = .message(message)
    } else {
      throw WireError("an input is of a kind that this version does not know")
    }
  }

  /// A deadline farther away is encoded as the farthest.
  func write(to writer: inout Writer) {
    switch self {
    case .command(let command, let deadline):
      if let deadline {
        let farthest = WireLimits.deadlineMillisecondsMax
        writer.presentZigzag(2, min(max(deadline, -farthest), farthest))
      }
      writer.message(1) { command.write(to: &$0) }
    case .message(let message): writer.message(message.kind) { message.write(to: &$0) }
    }
  }
}
