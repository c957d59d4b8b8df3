import Model
import PartitionCore
import Streams

/// The ingest log of one partition of a fleet: what other systems have written to it, as far as retention has left it.
struct FleetIngestLog {
  /// Ascending, with gaps.
  private(set) var records: [LoggedInput] = []
  /// The offset of the oldest record that may be left, and of the next one. The number of a record is its offset plus 1.
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

/// How far the reader of a tenure's ingest log has come.
struct FleetIngestReading {
  /// The number of the newest record that was handed over.
  private(set) var taken: UInt64
  private var durable: UInt64
  private var undurable: [UInt64] = []
  /// The log lacks what comes next.
  var isStopped = false

  init(after number: UInt64) {
    taken = number
    durable = number
  }

  func room(of max: Int) -> Int { Swift.max(0, max - undurable.count) }

  mutating func take(_ inputs: [LoggedInput]) {
    for number in inputs.compactMap({ $0.origin?.number }) {
      taken = max(taken, number)
      if number > durable, !undurable.contains(number) { undurable.append(number) }
    }
  }

  mutating func durable(through number: UInt64) {
    durable = max(durable, number)
    undurable.removeAll { $0 <= number }
  }

  /// Reads from another place from now on.
  mutating func move(to number: UInt64) { taken = number }
}

/// What the reader of an ingest log has for an owner, in transit.
struct FleetIngestEvent {
  let slot: Int
  let owner: OwnerID
  let inputs: [LoggedInput]
}
