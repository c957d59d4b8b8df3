import EventLog
import Model
import SQLiteFolder
import Synchronization
import Threads

/// A subscription that still reads the file.
struct CatchUp: Sendable {
  let subscription: UInt64
  /// By slot: the offset of the newest record that the subscriber has.
  var offsets: [Int: Int64]
  /// Everything up to here was read; nil before the first step.
  var readThrough: Int64?
}

/// The reader's thread: serves subscriptions that catch up, in turn, each as far as its owner's inbox has room.
struct LogReaderLoop {
  private let shared: SQLiteLog.Shared
  private let cursor: LogCursor

  init(_ shared: SQLiteLog.Shared, _ cursor: LogCursor) {
    self.shared = shared
    self.cursor = cursor
  }

  /// What became of one step.
  private enum Step {
    /// There may be more.
    case read
    /// The owner has to take something first.
    case waiting
    case ended
  }

  func run() {
    var readers: [CatchUp] = []
    while true {
      shared.readerSignal.wait()
      var hasMore = true
      while hasMore {
        hasMore = false
        let isEnded = shared.state.withLock { $0.isClosing || $0.sequencer.failure != nil }
        readers = isEnded ? [] : shared.state.withLock(\.readers)
        for reader in readers {
          do throws(LogFailure) {
            hasMore = try step(reader) == .read || hasMore
          } catch {
            shared.fail(error)
          }
        }
      }
      if shared.state.withLock({ $0.isClosing }) { return }
    }
  }

  private func step(_ reader: CatchUp) throws(LogFailure) -> Step {
    var reader = reader
    let (room, durable) = shared.state.withLock { state in
      (state.sequencer.inboxCount(of: reader.subscription), state.sequencer.durable)
    }
    guard let room else { return end(reader) }
    if room >= shared.options.limits.catchUpRecordsMax { return .waiting }
    let deliveries = try read(&reader, through: Int64(clamping: durable.sequence))
    return hand(deliveries, to: reader)
  }

  /// Reads up to `catchUpRecordsMax` records, and notes how far it came.
  private func read(_ reader: inout CatchUp, through durable: Int64) throws(LogFailure) -> [Delivery] {
    let limits = shared.options.limits
    let start: Int64
    if let readThrough = reader.readThrough {
      start = readThrough
    } else {
      let offsets = reader.offsets
      start = try LogFailure.reading { () throws(DatabaseError) in try LogMarks(cursor).start(for: offsets) }
    }
    var next = reader
    next.readThrough = start
    var deliveries: [Delivery] = []
    var bytes = 0
    var count = 0
    try cursor.forEach(after: start, through: durable, limit: limits.catchUpRecordsMax) { row throws(LogFailure) in
      count += 1
      if let delivery = try delivery(row, to: &next, isFirst: reader.readThrough == nil && count == 1) {
        deliveries.append(delivery)
        bytes += row.body.count
      }
      return bytes < limits.catchUpBytesMax
    }
    if count == 0 { next.readThrough = max(start, durable) }
    reader = next
    return deliveries
  }

  /// The delivery of a row; nil where the subscriber does not want it. The first row may stand behind a gap: what
  /// nobody needs is trimmed.
  private func delivery(
    _ row: LogCursor.Row, to reader: inout CatchUp, isFirst: Bool
  ) throws(LogFailure) -> Delivery? {
    guard isFirst || row.sequence == (reader.readThrough ?? 0) + 1 else {
      throw LogFailure(
        .format, "\(cursor.path): lacks the records before \(row.sequence); restore it from its backup")
    }
    reader.readThrough = row.sequence
    guard let partition = row.partition,
      let slot = LogSequencer<EncodedRecord>.slot(of: partition, partitionCount: cursor.partitionCount)
    else {
      throw LogFailure(.format, "\(cursor.path): record \(row.sequence) is of no partition; restore it from its backup")
    }
    guard let known = reader.offsets[slot], row.offset > known else { return nil }
    guard row.offset == known + 1 else {
      throw LogFailure(
        .format, "\(cursor.path): lacks offset \(known + 1) of \(partition); restore it from its backup")
    }
    reader.offsets[slot] = row.offset
    return Delivery(
      partition: partition, offset: row.offset, position: .zero, content: EncodedRecord.decode(row.body))
  }

  private func hand(_ deliveries: [Delivery], to reader: CatchUp) -> Step {
    var wake: [any LogOwner] = []
    let step = shared.state.withLock { state -> Step in
      state.sequencer.deliverCatchUp(deliveries, of: reader.subscription, wake: &wake)
      let position = LogPosition(UInt64(clamping: reader.readThrough ?? 0))
      guard let place = state.readers.firstIndex(where: { $0.subscription == reader.subscription }) else {
        return .ended
      }
      if state.sequencer.finishCatchUp(of: reader.subscription, readThrough: position, wake: &wake) {
        state.readers.remove(at: place)
        return .ended
      }
      state.readers[place] = reader
      return .read
    }
    for owner in wake { owner.deliveriesArrived() }
    return step
  }

  /// Forgets a subscription that nobody has any more.
  private func end(_ reader: CatchUp) -> Step {
    shared.state.withLock { $0.readers.removeAll { $0.subscription == reader.subscription } }
    return .ended
  }
}
