import Streams

/// How far the owner of one partition has got with its ingest log.
struct IngestReading: Sendable {
  let owner: OwnerID
  /// The number of the newest input that was handed over.
  private(set) var taken: UInt64
  private(set) var durable: UInt64
  private var undurable = FIFO<(number: UInt64, bytes: Int)>()
  private var undurableBytes = 0

  /// - Parameter number: of the newest input that is durable.
  init(owner: OwnerID, after number: UInt64) {
    self.owner = owner
    taken = number
    durable = number
  }

  /// Where the log has to be read from.
  var nextOffset: Int64 { Int64(clamping: taken) }

  /// How many more inputs may be handed over now.
  var room: Int {
    guard undurableBytes < IngestLimits.undurableBytesMax else { return 0 }
    return max(0, min(IngestLimits.undurableInputsMax - undurable.count, IngestLimits.batchInputsMax))
  }

  /// Notes that a record was read. Returns its number; nil if it came before.
  mutating func take(_ offset: Int64, bytes: Int) -> UInt64? {
    guard offset >= nextOffset, offset < .max else { return nil }
    taken = UInt64(offset) + 1
    undurable.append((taken, bytes))
    undurableBytes += bytes
    return taken
  }

  mutating func durable(through number: UInt64) {
    durable = max(durable, number)
    while let first = undurable.first, first.number <= durable {
      undurableBytes -= first.bytes
      undurable.removeFirst()
    }
  }

  /// What is lost of a log that begins at `first`.
  func lost(before first: Int64) -> Int64 { max(0, first - nextOffset) }
}
