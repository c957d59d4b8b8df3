import Clocks
import Model
import PartitionCore
import SQLite
import Settings

/// The clock with which a data folder continues.
enum FolderClock {
  /// Reads the folder and changes nothing in it.
  /// - Throws: `ClockRefusal` if the machine's clock does not fit the folder's contents, and is not accepted;
  ///   `DataFolderFailure`, `StoreFailure`, `LogFailure` if the folder cannot be read.
  static func clock(_ settings: ServeSettings) throws -> ServingClock {
    let newest = try newestTime(in: settings.dataFolder)
    if settings.acceptedClock == .plausible {
      let refusal = ClockRefusal(
        wall: WallClock.milliseconds, newest: newest, path: settings.dataFolder,
        toleranceMilliseconds: settings.clockToleranceMilliseconds)
      if let refusal { throw refusal }
    }
    // Time continues from there: if it stood still instead, keys would be kept until the wall clock has caught up.
    return ServingClock(toleranceMilliseconds: settings.clockToleranceMilliseconds, notBefore: newest?.time)
  }

  /// The latest time of a partition: that of its checkpoint, or of a record after it; nil in a new folder.
  static func newestTime(in path: String) throws -> (time: Timestamp, partition: PartitionID)? {
    let headers = try SQLiteStoreReader(path: path).headers()
    let offsets = Dictionary(headers.map { ($0.partition, $0.offset) }, uniquingKeysWith: max)
    let recorded = try SQLiteLogReader(path: path).newestTimes(after: offsets)
    let times = headers.map { ($0.now, $0.partition) } + recorded.map { ($0.value, $0.key) }
    return times.max { $0 < $1 }.map { (time: $0.0, partition: $0.1) }
  }
}
