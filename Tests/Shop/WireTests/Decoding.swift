import Model
import PartitionCore

@testable import Wire

/// What bytes turn out to be, as one comparable value, for tests that treat the formats alike.
enum Decoded: Hashable {
  case record(Record)
  case entity(Entity)
  case header(CheckpointHeader)
  case meshFrame([MeshMessage])
  case logRecord(LogRecord)
  case streamMessage(Message)
  case reply(CommandReply)

  /// - Parameter message: the name in `records.proto`.
  /// - Throws: `WireError`.
  init(_ message: String, _ bytes: [UInt8]) throws {
    self = try bytes.withUnsafeBytes { bytes in
      switch message {
      case "Record": .record(try RecordCodec.decode(bytes))
      case "Entity": .entity(try Entity(wire: Reader(bytes)))
      case "MeshFrame": .meshFrame(try MeshCodec.decode(bytes))
      case "LogRecord": .logRecord(try LogRecordCodec.decode(bytes))
      case "StreamMessage": .streamMessage(try StreamMessageCodec.decode(bytes))
      case "StoredReply": .reply(try ReplyCodec.decode(bytes))
      default: .header(try CheckpointCodec.decode(bytes))
      }
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .record(let record): RecordCodec.encode(record, into: &bytes)
    case .entity(let entity): EntityCodec.encode(entity, into: &bytes)
    case .header(let header): CheckpointCodec.encode(header, into: &bytes)
    case .logRecord(let record): LogRecordCodec.encode(record, into: &bytes)
    case .streamMessage(let message): StreamMessageCodec.encode(message, into: &bytes)
    case .reply(let reply): ReplyCodec.encode(reply, into: &bytes)
    case .meshFrame(let messages): bytes = MeshCodec.encode(messages, bytesMax: .max).first ?? []
    }
    return bytes
  }

  /// An arbitrary valid value of the message.
  static func arbitrary(_ message: String, _ arbitrary: inout Arbitrary) -> Decoded {
    switch message {
    case "Record": .record(arbitrary.record())
    case "Entity": .entity(arbitrary.row().entity)
    case "MeshFrame": .meshFrame(arbitrary.meshFrame())
    case "LogRecord": .logRecord(arbitrary.logRecord())
    case "StreamMessage": .streamMessage(arbitrary.message())
    case "StoredReply": .reply(arbitrary.reply())
    default: .header(arbitrary.header())
    }
  }
}
