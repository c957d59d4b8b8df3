import Model
import PartitionCore
import Wire

/// What a fleet's log and store keep goes through the product's bytes, and back.
enum Bytes {
  static func same(_ record: LogRecord) throws -> LogRecord {
    try read(written { LogRecordCodec.encode(record, into: &$0) }, LogRecordCodec.decode)
  }

  static func same(_ header: CheckpointHeader) throws -> CheckpointHeader {
    try read(written { CheckpointCodec.encode(header, into: &$0) }, CheckpointCodec.decode)
  }

  static func same(_ row: OutboxRow) throws -> OutboxRow {
    let message = try read(written { StreamMessageCodec.encode(row.message, into: &$0) }, StreamMessageCodec.decode)
    return OutboxRow(destination: row.destination, number: row.number, message: message)
  }

  static func same(_ reply: CommandReply) throws -> CommandReply {
    try read(written { ReplyCodec.encode(reply, into: &$0) }, ReplyCodec.decode)
  }

  static func same(_ change: EntityChange) throws -> EntityChange {
    let key = try EntityCodec.key(kind: EntityCodec.kind(of: change.key), text: EntityCodec.text(of: change.key))
    guard let value = change.value else { return EntityChange(key: key, value: nil) }
    let read = try read(written { EntityCodec.encode(value, into: &$0) }) { bytes throws(WireError) in
      try EntityCodec.decode(bytes, for: key)
    }
    return EntityChange(key: key, value: read)
  }

  private static func written(_ encode: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    encode(&bytes)
    return bytes
  }

  private static func read<Value>(
    _ bytes: [UInt8], _ decode: (UnsafeRawBufferPointer) throws(WireError) -> Value
  ) throws -> Value {
    try bytes.withUnsafeBytes { try decode($0) }
  }
}
