import Model
import PartitionCore
import Streams

/// The ingest log of one partition of a fleet: what other systems have written to it, as far as retention has left it.
struct FleetIngestLog {
  /// Ascending, with gaps.
  private(set) var records: [LoggedInput] = []
  /// The offset of the oldest record that may be left, and of the next one. A record's number is its offset plus 1.
  private(set) var start: UInt64
  private(set) var end: UInt64
  /// Readers may go on from here, although what was before is lost: an operator says so.
  private(set) var acceptedStart: UInt64

  /// Numbers of one fleet are unique, because requests are named after them.
  init(slot: Int) {
    start = UInt64(slot) * 1_000_000
    end = start
    acceptedStart = start
  }

  /// - Parameter skipped: offsets before it that no record has, as those of commits.
  mutating func append(skipping skipped: Int, _ input: (UInt64) -> LoggedInput) -> LoggedInput {
    end += UInt64(skipped) + 1
    let input = input(end)
    records.append(input)
    return input
  }

  /// The records behind a number, oldest first.
  func records(after number: UInt64, max: Int) -> [LoggedInput] {
    Array(records.lazy.filter { ($0.origin?.number ?? 0) > number }.prefix(max))
  }

  /// Retention removes what is before an offset.
  mutating func remove(before offset: UInt64) {
    start = max(start, min(offset, end))
    records.removeAll { ($0.origin?.number ?? 0) <= start }
  }

  mutating func acceptLoss() { acceptedStart = start }
}
