import Model
import PartitionCore
import Wire

/// Reads the rows of a store, which anybody may have written. Nothing in them traps.
public enum StoredRows {
  /// An entity's bytes.
  /// - Parameter place: the file or database that the row stands in, for the message.
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
    var reason = "it is another partition's"
    do throws(WireError) {
      let header = try CheckpointCodec.decode(bytes)
      if header.partition == partition { return header }
    } catch {
      reason = "\(error)"
    }
    throw StoreFailure(.format, "\(place): the checkpoint of \(partition) is damaged: \(reason); \(advice)")
  }

  /// Log and store belong together.
  public static let advice = "restore log and store from the same backup"
}
