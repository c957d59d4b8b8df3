import Model
import PartitionCore
import Streams
import Tenancy

/// One partition of a log that anybody can append to, and whose appends may have an unknown fate.
struct FleetLog {
  private(set) var records: [LogRecord] = []
  /// What the newest leader shows readers: for a while after an election it may be less than was acknowledged.
  private(set) var readableEnd = 0

  /// - Parameter now: readers may see it a little later.
  mutating func append(_ record: LogRecord, at now: Int64) -> Int64 {
    records.append(record)
    hiddenSince = hiddenSince ?? now
    return Int64(records.count - 1)
  }

  /// The places of the turn records that count.
  private(set) var counted: Set<Int> = []

  mutating func count(_ offset: Int64) { counted.insert(Int(offset)) }

  var end: Int64 { Int64(records.count) }

  /// Loses the newest records although the log had promised that they were durable.
  ///
  /// - Returns: how many of them were turn records that count.
  mutating func lose(_ count: Int) -> Int {
    var numbers: Set<UInt64> = []
    for case .turn(let record) in records.suffix(count) { numbers.insert(record.number) }
    records.removeLast(min(count, records.count))
    readableEnd = records.count
    for case .turn(let record) in records { numbers.remove(record.number) }
    return numbers.count
  }

  /// Since when readers see less, in the world's time.
  private(set) var hiddenSince: Int64?

  /// Nothing is hidden again before this time: leaders do not change all the time.
  private var shownUntil: Int64 = 0

  mutating func showAll() {
    readableEnd = records.count
    hiddenSince = nil
  }

  /// A new leader shows less than the one before it, for at most `milliseconds`.
  mutating func hide(_ count: Int, at now: Int64, for milliseconds: Int64) {
    guard now >= shownUntil else { return }
    readableEnd = max(0, records.count - count)
    hiddenSince = now
    shownUntil = now + 4 * milliseconds
  }
}

/// A checkpoint in transit to the store whose owner is gone.
struct FleetOrphan {
  let checkpoint: CheckpointBatch
  let slot: Int
  let epoch: UInt64
  let after: UInt64
}

/// An append in transit to the log.
struct FleetAppend {
  let pod: Int
  let run: UInt64
  let slot: Int
  let owner: OwnerID
  let record: LogRecord
}

/// Which records of a log count: the product's rules written a second time, naively, from their description.
struct NaiveFilter {
  private var newest: OwnerID?
  private var epochs: Set<UInt64> = []
  private(set) var numbers = 0

  /// The log has lost its newest counted records.
  mutating func lose(_ count: Int) { numbers -= count }

  /// Whether a record counts. `breach`: a record that no owner may ever have written.
  mutating func counts(_ record: LogRecord) -> (Bool, breach: String?) {
    switch record {
    case .owned(let owner):
      guard owner.epoch > (epochs.max() ?? 0) else { return (false, nil) }
      epochs.insert(owner.epoch)
      newest = OwnerID(epoch: owner.epoch, run: owner.incarnation)
      return (true, nil)
    case .turn(let record):
      guard record.owner == newest else {
        guard epochs.contains(record.owner.epoch) else { return (false, "record \(record.number) of nobody") }
        return (false, nil)
      }
      if record.number <= UInt64(numbers) { return (false, nil) }
      if record.number != UInt64(numbers) + 1 { return (false, "record \(record.number) after \(numbers)") }
      numbers += 1
      return (true, nil)
    }
  }
}
