import Model
import PartitionCore
import Wire

/// Decodes the rows of a store, which anybody may have written. Never traps.
public enum StoredRows {
  /// An entity's bytes.
  /// - Parameter place: the file or database that has the row, for the message.
  /// - Throws: `StoreFailure` that names the place, the key and the partition.
  public static func entity(
    _ bytes: UnsafeRawBufferPointer, for key: EntityKey, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> Entity {
    do throws(WireError) {
      return try EntityCodec.decode(bytes, for: key)
    } catch {
      throw StoreFailure(
        .format,
        "\(place): the row \(EntityCodec.text(of: key)) of \(partition) is damaged: \(error); \(advice)")
    }
  }

  /// The key of a row.
  /// - Throws: `StoreFailure` that names the place and the partition.
  public static func key(
    kind: UInt8, text: String, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> EntityKey {
    do throws(WireError) {
      return try EntityCodec.key(kind: kind, text: text)
    } catch {
      throw StoreFailure(
        .format, "\(place): \(partition) has a row of kind \(kind) with a damaged key: \(error); \(advice)")
    }
  }

  /// A checkpoint's header.
  /// - Throws: `StoreFailure` that names the place and the partition.
  public static func header(
    _ bytes: UnsafeRawBufferPointer, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> CheckpointHeader {
    var reason = "it belongs to another partition"
    do throws(WireError) {
      let header = try CheckpointCodec.decode(bytes)
      if header.partition == partition { return header }
    } catch {
      reason = "\(error)"
    }
    throw StoreFailure(.format, "\(place): the checkpoint of \(partition) is damaged: \(reason); \(advice)")
  }

  /// The totals in a checkpoint's header; nil if it has none.
  /// - Throws: `StoreFailure` that names the place and the partition.
  public static func totals(
    _ bytes: UnsafeRawBufferPointer, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> StoreTotals? {
    do throws(WireError) {
      return try CheckpointCodec.totals(bytes)
    } catch {
      throw StoreFailure(.format, "\(place): the checkpoint of \(partition) is damaged: \(error); \(advice)")
    }
  }

  /// An unacknowledged message.
  /// - Throws: `StoreFailure` that names the place, the message and the partition.
  package static func message(
    _ bytes: UnsafeRawBufferPointer, to destination: Int64, number: Int64, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> OutboxRow {
    var reason = "its destination or number is out of range"
    do throws(WireError) {
      if let destination = PartitionID(storedNumber: destination), let number = UInt64(exactly: number), number > 0 {
        return OutboxRow(
          destination: destination, number: number, message: try StreamMessageCodec.decode(bytes))
      }
    } catch {
      reason = "\(error)"
    }
    throw StoreFailure(
      .format,
      "\(place): message \(number) of \(partition) to partition \(destination) is damaged: \(reason); \(advice)")
  }

  /// A reply that no pod has received.
  /// - Throws: `StoreFailure` that names the place, the reply's place and the partition.
  package static func reply(
    _ bytes: UnsafeRawBufferPointer, at number: Int64, of partition: PartitionID, in place: String
  ) throws(StoreFailure) -> UnsentRows.PlacedReply {
    var reason = "its place is out of range"
    do throws(WireError) {
      if (0..<UnsentRows.placesMax).contains(number) {
        return UnsentRows.PlacedReply(place: number, reply: try ReplyCodec.decode(bytes))
      }
    } catch {
      reason = "\(error)"
    }
    throw StoreFailure(
      .format, "\(place): the reply at place \(number) of \(partition) is damaged: \(reason); \(advice)")
  }

  /// What to do if log and store do not match.
  public static let advice = "restore log and store from the same backup"
}
