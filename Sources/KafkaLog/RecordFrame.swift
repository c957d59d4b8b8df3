import EventLog
import Model
import Wire

/// The bytes of one Kafka record: what one appender had for one partition, or a part of it that fits.
struct RecordFrame: Sendable {
  let partition: PartitionID
  let record: Record
  let bytes: [UInt8]
  /// Goes through the gapless producer.
  let isMessage: Bool

  /// The frames of some appends, in their order. A record that is too large is halved between its entries until each
  /// part fits; an entry that is too large by itself is returned as a frame all the same.
  static func make(_ appends: [Append], bytesMax: Int) -> [RecordFrame] {
    var frames: [RecordFrame] = []
    frames.reserveCapacity(appends.count)
    for append in appends {
      divide(append.record, of: append, bytesMax: bytesMax, into: &frames)
    }
    return frames
  }

  private static func divide(_ record: Record, of append: Append, bytesMax: Int, into frames: inout [RecordFrame]) {
    var bytes: [UInt8] = []
    RecordCodec.encode(record, into: &bytes)
    if bytes.count <= bytesMax || record.entries.count <= 1 {
      frames.append(
        RecordFrame(partition: append.partition, record: record, bytes: bytes, isMessage: !append.isRefusable))
      return
    }
    let half = record.entries.count / 2
    divide(Record(entries: Array(record.entries[..<half])), of: append, bytesMax: bytesMax, into: &frames)
    divide(Record(entries: Array(record.entries[half...])), of: append, bytesMax: bytesMax, into: &frames)
  }
}

extension Record {
  /// The partitions that sent the messages in it.
  var sources: Set<PartitionID> {
    var sources: Set<PartitionID> = []
    for entry in entries {
      if case .message(let message) = entry.body { sources.insert(message.source) }
    }
    return sources
  }

  /// The requests of the commands in it.
  var requests: [RequestID] {
    entries.compactMap { if case .command(let command) = $0.body { command.request } else { nil } }
  }

  /// The record without what these partitions sent.
  func without(_ sources: Set<PartitionID>) -> Record {
    Record(
      entries: entries.filter { entry in
        if case .message(let message) = entry.body { !sources.contains(message.source) } else { true }
      })
  }
}
