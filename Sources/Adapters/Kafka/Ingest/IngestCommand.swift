import JSON
import Model
import Streams
import Wire

/// Why an entry of an ingest log is not a command for the partition that reads it.
package struct IngestFlaw: Error, Hashable, Sendable {
  /// A sentence that names the thing and what would be right.
  package let reason: String

  init(_ reason: String) { self.reason = reason }

  /// How records of the topic of refused commands name it.
  package static let code = "unreadable_command"
}

/// A record of an ingest log as its producer wrote it.
package struct IngestRecord: Sendable {
  package var key: [UInt8]?
  package var value: [UInt8]
  /// Of its header `content-type`.
  package var contentType: String?

  package init(key: [UInt8]?, value: [UInt8], contentType: String? = nil) {
    self.key = key
    self.value = value
    self.contentType = contentType
  }

  /// The longest value of a command, in bytes. The largest one, of an order with the longest ids and key, takes a
  /// hundredth of that.
  package static let valueBytesMax = 65_536

  /// Reads the command of a partition's ingest log at a place, whoever wrote it. Never traps.
  ///
  /// - Parameter number: its offset plus 1.
  /// - Throws: `IngestFlaw` that says what is wrong with it.
  package func command(
    for partition: PartitionID, as number: UInt64, _ partitioner: Partitioner
  ) throws(IngestFlaw) -> ClientCommand {
    guard !value.isEmpty else { throw IngestFlaw("The record has no value.") }
    guard value.count <= Self.valueBytesMax else {
      throw IngestFlaw("The record's value has \(value.count) bytes; a command has at most \(Self.valueBytesMax).")
    }
    let request = RequestID(ingested: number)
    let command: ClientCommand
    switch Self.format(contentType) {
    case .json: command = try IngestJSON(value).command(as: request)
    case .protobuf:
      do throws(WireError) {
        let found = value.withUnsafeBytes { bytes in
          Result { () throws(WireError) in try IngestCodec.decode(bytes, as: request) }
        }
        command = try found.get().withLookup
      } catch {
        throw IngestFlaw("The value is not a ClientCommand of records.proto: \(error.reason).")
      }
    case nil:
      throw IngestFlaw(
        "The header content-type is '\(contentType ?? "")'; it can be application/json or application/x-protobuf.")
    }
    try check(command.command, for: partition, partitioner)
    return command
  }

  private enum Format { case json, protobuf }

  private static func format(_ contentType: String?) -> Format? {
    guard let contentType else { return .json }
    switch contentType.split(separator: ";").first?.lowercased() {
    case "application/json": return .json
    case "application/x-protobuf", "application/protobuf": return .protobuf
    default: return nil
    }
  }

  /// Whether the command is one of this partition, and the record's key the id that it acts on.
  private func check(
    _ command: Command, for partition: PartitionID, _ partitioner: Partitioner
  ) throws(IngestFlaw) {
    guard command.service == partition.service else {
      throw IngestFlaw(
        "This is a command for \(command.service.name), but the topic is that of \(partition.service.name).")
    }
    if case .orders(.sweep) = command {
      throw IngestFlaw("An order_sweep cannot be sent at all: the partition's owner removes old orders by itself.")
    }
    guard let id = command.entityID else { throw IngestFlaw("A batch_init cannot be sent this way.") }
    guard let key else {
      throw IngestFlaw("The record has no key; it must be '\(id)', the id that the command acts on.")
    }
    guard key.elementsEqual(id.utf8) else {
      throw IngestFlaw("The record's key is not '\(id)', the id that the command acts on.")
    }
    let index = partitioner.index(of: id)
    guard index == partition.index else {
      throw IngestFlaw(
        "'\(id)' belongs to partition \(index), and the record is in \(partition.index): its producer used a "
          + "partitioner other than murmur2.")
    }
  }
}
