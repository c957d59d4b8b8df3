import EventLog
import Model
import SQLiteFolder
import Synchronization
import Threads

/// Partitions of one lane that are being read.
struct LogReading: Sendable {
  let lane: Int
  /// By slot: the offset of the next record.
  var nextOffsets: [Int: Int64]
  /// What was durable when it began; nothing after it is read.
  let through: Int64
  /// Everything up to here was read; nil before the first step.
  var readThrough: Int64?
}

/// The reader's thread: reads what lanes asked for, in turn, each as far as the lane takes it.
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

  /// A reading whose lane has room; the next one each time.
  private func nextReading() -> (Int, LogReading)? {
    shared.state.withLock { state in
      guard !state.isClosing, state.sequencer.failure == nil else { return nil }
      for place in state.readings.indices {
        let reading = state.readings[place]
        if state.read[reading.lane].count < shared.options.limits.catchUpRecordsMax { return (place, reading) }
      }
      return nil
    }
  }

  private func step(_ before: LogReading, at place: Int) throws(LogFailure) {
    var reading = before
    var events = try read(&reading)
    let isAtEnd = reading.readThrough ?? 0 >= reading.through
    if isAtEnd {
      for (slot, next) in reading.nextOffsets.sorted(by: { $0.key < $1.key }) {
        if let partition = partition(slot) { events.append(.ended(partition, end: next)) }
      }
    }
    let told = shared.state.withLock { state -> (any LogLane)? in
      // Only this thread removes any.
      state.readings.remove(at: place)
      if !isAtEnd { state.readings.append(reading) }
      let wasEmpty = state.read[reading.lane].isEmpty
      state.read[reading.lane] += events
      return wasEmpty && !events.isEmpty ? state.lanes[reading.lane] : nil
    }
    told?.logHasNews()
  }

  private func partition(_ slot: Int) -> PartitionID? {
    Service(rawValue: UInt8(clamping: slot / cursor.partitionCount)).map {
      PartitionID($0, UInt16(slot % cursor.partitionCount))
    }
  }

  /// Reads up to `catchUpRecordsMax` records, and notes how far it came.
  private func read(_ reading: inout LogReading) throws(LogFailure) -> [ReadEvent] {
    let limits = shared.options.limits
    let isFirst = reading.readThrough == nil
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
    var count = 0
    try cursor.forEach(after: start, through: reading.through, limit: limits.catchUpRecordsMax) {
      row throws(LogFailure) in
      count += 1
      if let event = try event(row, of: &next, isFirst: isFirst && count == 1) {
        events.append(event)
        bytes += row.body.count
      }
      return bytes < limits.catchUpBytesMax
    }
    if count == 0 { next.readThrough = max(start, reading.through) }
    reading = next
    return events
  }

  /// What a row is to a lane; nil where it does not want it. The first row may stand after a gap: what nobody needs is
  /// trimmed.
  private func event(
    _ row: LogCursor.Row, of reading: inout LogReading, isFirst: Bool
  ) throws(LogFailure) -> ReadEvent? {
    guard isFirst || row.sequence == (reading.readThrough ?? 0) + 1 else {
      throw LogFailure(
        .format, "\(cursor.path): lacks the records before \(row.sequence); restore it from its backup")
    }
    reading.readThrough = row.sequence
    guard let partition = row.partition,
      let slot = FileSequencer.slot(of: partition, partitionCount: cursor.partitionCount)
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
