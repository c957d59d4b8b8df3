import Ports
import Model
import Synchronization
import Lanes

/// One lane's partitions that are being read.
struct LogReading: Sendable {
  let lane: Int
  /// By slot: the offset of the next record.
  var nextOffsets: [Int: Int64]
  /// Where the log ended when the reading began; nothing after it is read.
  let end: LogMark
  /// Everything up to here has been read; nil before the first step.
  var readThrough: Int64?

  /// Everything requested has been read.
  var isAtEnd: Bool { nextOffsets.allSatisfy { slot, next in next >= end.offsets[slot] } }
}

/// What was read for a lane but not taken yet.
struct ReadAhead: Sendable {
  private(set) var events: [ReadEvent] = []
  /// Counted since it was last empty, so it is too high rather than too low.
  private var bytes = 0

  /// Whether another step may be read: the total stays within twice a step's bounds.
  func hasRoom(_ limits: LogLimits) -> Bool {
    events.count < limits.catchUpRecordsMax && bytes < limits.catchUpBytesMax
  }

  mutating func add(_ events: [ReadEvent], bytes: Int) {
    self.events += events
    self.bytes += bytes
  }

  mutating func take(_ count: Int) -> [ReadEvent] {
    let taken = events.takeFirst(count)
    if events.isEmpty { bytes = 0 }
    return taken
  }
}

/// The reader thread: serves the lanes' readings in turn, each as far as its lane has room.
struct LogReaderLoop {
  private let shared: SQLiteLog.Shared
  private let cursor: LogCursor

  init(_ shared: SQLiteLog.Shared, _ cursor: LogCursor) {
    self.shared = shared
    self.cursor = cursor
  }

  func run() {
    while true {
      shared.readerSignal.wait()
      while let (place, reading) = nextReading() {
        do throws(LogFailure) {
          try step(reading, at: place)
        } catch {
          shared.fail(error)
        }
      }
      if shared.state.withLock({ $0.isClosing }) { return }
    }
  }

  /// A reading whose lane has room, round robin.
  private func nextReading() -> (Int, LogReading)? {
    shared.state.withLock { state in
      guard !state.isClosing, state.sequencer.failure == nil else { return nil }
      for place in state.readings.indices {
        let reading = state.readings[place]
        if state.read[reading.lane].hasRoom(shared.options.limits) { return (place, reading) }
      }
      return nil
    }
  }

  private func step(_ before: LogReading, at place: Int) throws(LogFailure) {
    var reading = before
    var (events, bytes) = reading.isAtEnd ? ([], 0) : try read(&reading)
    let isAtEnd = reading.isAtEnd
    if isAtEnd {
      for (slot, next) in reading.nextOffsets.sorted(by: { $0.key < $1.key }) {
        if let partition = PartitionID(slot: slot, of: cursor.partitionCount) {
          events.append(.ended(partition, end: next))
        }
      }
    }
    let notified = shared.state.withLock { state -> (any LogLane)? in
      // Only this thread removes readings.
      state.readings.remove(at: place)
      if !isAtEnd { state.readings.append(reading) }
      let wasEmpty = state.read[reading.lane].events.isEmpty
      state.read[reading.lane].add(events, bytes: bytes)
      return wasEmpty && !events.isEmpty ? state.lanes[reading.lane] : nil
    }
    notified?.logHasNews()
  }

  /// Reads up to `catchUpRecordsMax` records, and notes how far it got. What nobody needs may be trimmed in the
  /// meantime, so the sequence may have gaps; up to the end, the offsets of the partitions being read may not.
  private func read(_ reading: inout LogReading) throws(LogFailure) -> ([ReadEvent], bytes: Int) {
    let limits = shared.options.limits
    let start: Int64
    if let readThrough = reading.readThrough {
      start = readThrough
    } else {
      let offsets = reading.nextOffsets.mapValues { $0 - 1 }
      start = try LogFailure.reading { () throws(DatabaseError) in try LogMarks(cursor).start(for: offsets) }
    }
    var next = reading
    next.readThrough = start
    var events: [ReadEvent] = []
    var bytes = 0
    var isEmpty = true
    try cursor.forEach(after: start, through: reading.end.sequence, limit: limits.catchUpRecordsMax) {
      row throws(LogFailure) in
      isEmpty = false
      next.readThrough = row.sequence
      if let event = try event(row, of: &next) {
        events.append(event)
        bytes += row.body.count
      }
      return bytes < limits.catchUpBytesMax && !next.isAtEnd
    }
    reading = next
    if isEmpty { throw missing(reading) }
    return (events, bytes)
  }

  /// Why a reading cannot reach its end.
  private func missing(_ reading: LogReading) -> LogFailure {
    let missing = reading.nextOffsets.filter { $0.value < reading.end.offsets[$0.key] }.min { $0.key < $1.key }
    let text =
      missing.flatMap { slot, next in
        PartitionID(slot: slot, of: cursor.partitionCount).map { "offset \(next) of \($0)" }
      } ?? "records"
    return LogFailure(.format, "\(cursor.path): lacks \(text); restore it from its backup")
  }

  /// A row as the lane's event; nil if the lane does not want it.
  private func event(_ row: LogCursor.Row, of reading: inout LogReading) throws(LogFailure) -> ReadEvent? {
    guard let partition = row.partition,
      let slot = partition.slot(of: cursor.partitionCount)
    else {
      throw LogFailure(.format, "\(cursor.path): record \(row.sequence) is of no partition; restore it from its backup")
    }
    guard let expected = reading.nextOffsets[slot], row.offset >= expected else { return nil }
    guard row.offset == expected else {
      throw LogFailure(
        .format, "\(cursor.path): lacks offset \(expected) of \(partition); restore it from its backup")
    }
    reading.nextOffsets[slot] = row.offset + 1
    switch EncodedRecord.decode(row.body) {
    case .record(let record): return .record(record, offset: row.offset, partition)
    case .undecodable(let reason): return .undecodable(reason: reason, offset: row.offset, partition)
    }
  }
}
