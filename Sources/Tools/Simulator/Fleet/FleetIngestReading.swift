import PartitionCore
import Streams

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
