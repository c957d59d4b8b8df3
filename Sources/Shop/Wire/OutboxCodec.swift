import Model
import PartitionCore
import Streams

/// Turns the message of an outbox row into bytes, and back; the destination and the number are stored next to it. The
/// format is `StreamMessage` of `records.proto`.
package enum StreamMessageCodec {
  /// Appends the message's bytes to `bytes`.
  package static func encode(_ message: Message, into bytes: inout [UInt8]) {
    var writer = Writer(capacity: 256)
    writer.message(message.kind) { message.write(to: &$0) }
    writer.withBytes { bytes.append(contentsOf: $0) }
  }

  /// Decodes a message that anybody may have written. Never traps.
  /// - Throws: `WireError` that names what is wrong.
  package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Message {
    var reader = Reader(bytes)
    var message: Message?
    while let field = try reader.next() {
      switch field.number {
      case Message.kinds: message = try Message(wire: reader.message(field), kind: field.number)
      default: try reader.skip(field)
      }
    }
    guard let message else { throw WireError("a message is of a kind that this version does not know") }
    return message
  }
}

/// Turns a command's reply into bytes, and back. The format is `StoredReply` of `records.proto`.
package enum ReplyCodec {
  /// Appends the reply's bytes to `bytes`.
  package static func encode(_ reply: CommandReply, into bytes: inout [UInt8]) {
    var writer = Writer(capacity: 128)
    reply.write(to: &writer)
    writer.withBytes { bytes.append(contentsOf: $0) }
  }

  /// Decodes a reply that anybody may have written. Never traps.
  /// - Throws: `WireError` that names what is wrong.
  package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> CommandReply {
    try CommandReply(wire: Reader(bytes))
  }
}

extension CommandReply {
  private enum Found {
    case outcome(Outcome, isReplayed: Bool)
    case skipped(SkipReason)
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var request: RequestID?
    var found: Found?
    while let field = try reader.next() {
      switch field.number {
      case 1: request = try RequestID(wire: reader.message(field))
      case 2:
        let (outcome, isReplayed) = try Outcome.replayed(wire: reader.message(field))
        found = .outcome(outcome, isReplayed: isReplayed)
      case 3: found = .skipped(try reader.choice(field, "the reason to skip"))
      default: try reader.skip(field)
      }
    }
    guard let found else { throw WireError("a reply is of a kind that this version does not know") }
    let asked = try required(request, "the reply's request")
    switch found {
    case .outcome(let outcome, let isReplayed):
      self = .outcome(Reply(request: asked, outcome: outcome, isReplayed: isReplayed))
    case .skipped(let reason): self = .skipped(asked, reason)
    }
  }

  func write(to writer: inout Writer) {
    switch self {
    case .outcome(let reply): writer.message(2) { reply.outcome.write(to: &$0, isReplayed: reply.isReplayed) }
    case .skipped(_, let reason): writer.choice(3, reason)
    }
    writer.message(1) { request.write(to: &$0) }
  }
}

/// `PeerOutcome`: an outcome, and whether it is a repetition.
extension Outcome {
  static func replayed(wire: Reader) throws(WireError) -> (Outcome, isReplayed: Bool) {
    var reader = wire
    var outcome: Outcome?
    var replayed: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: outcome = try Outcome(wire: reader.message(field))
      case 2: replayed = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    return (try required(outcome, "the outcome"), replayed != 0)
  }

  func write(to writer: inout Writer, isReplayed: Bool) {
    writer.number(2, isReplayed ? UInt64(1) : 0)
    writer.message(1) { write(to: &$0) }
  }
}
