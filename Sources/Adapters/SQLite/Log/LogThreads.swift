import Ports
import Model
import Synchronization
import Lanes

/// The writer thread: takes everything that waits, writes it, and reports it.
struct LogWriterLoop {
  private let shared: SQLiteLog.Shared
  private let writer: LogWriter

  init(_ shared: SQLiteLog.Shared, _ writer: LogWriter) {
    self.shared = shared
    self.writer = writer
  }

  private struct Work {
    let rows: [LogWriter.Row]
    /// nil if nothing can be trimmed.
    let trimmedThrough: [Int64]?
  }

  func run() {
    while true {
      shared.writerSignal.wait()
      while let work = takeWork() {
        guard perform(work) else { break }
      }
      if shared.state.withLock({ $0.isClosing }) { return }
    }
  }

  private func takeWork() -> Work? {
    shared.state.withLock { state in
      guard state.sequencer.failure == nil else { return nil }
      let rows = state.isClosing || state.sequencer.isGroupDue ? state.sequencer.beginCommit() : []
      shared.noteBacklog(state)
      let isTrimDue = state.isTrimRequested || writer.isTrimDue(state.trimmedThrough)
      state.isTrimRequested = false
      if rows.isEmpty && (!isTrimDue || state.isClosing) { return nil }
      return Work(rows: rows, trimmedThrough: isTrimDue ? state.trimmedThrough : nil)
    }
  }

  /// Returns whether the log can continue.
  private func perform(_ work: Work) -> Bool {
    do throws(DatabaseError) {
      try writer.write(work.rows, trimmedThrough: work.trimmedThrough)
      finish(work)
      if writer.logPages >= shared.options.checkpointPagesMax { try writer.checkpoint() }
      return true
    } catch {
      shared.fail(LogFailure(.write, error.message))
      return false
    }
  }

  private func finish(_ work: Work) {
    let isCheckpointDue = writer.logPages >= shared.options.checkpointPagesDue
    let lanes = shared.state.withLock { state in
      let notified = work.rows.isEmpty ? [] : state.sequencer.endCommit()
      state.base = writer.base
      state.nextMark = writer.nextMark
      state.end = writer.end
      state.statistics.commits += 1
      state.statistics.recordsWritten += UInt64(work.rows.count)
      state.statistics.logPages = writer.logPages
      state.isCheckpointRequested = state.isCheckpointRequested || isCheckpointDue
      return notified.compactMap { state.lanes.indices.contains($0) ? state.lanes[$0] : nil }
    }
    for lane in lanes { lane.logHasNews() }
    if isCheckpointDue { shared.checkpointSignal.set() }
  }
}

/// The checkpointer thread: copies the write-ahead log on request.
struct LogCheckpointLoop {
  private let shared: SQLiteLog.Shared
  private let database: Database

  init(_ shared: SQLiteLog.Shared, _ database: Database) {
    self.shared = shared
    self.database = database
  }

  func run() {
    while true {
      shared.checkpointSignal.wait()
      let (isRequested, isClosing) = shared.state.withLock { state in
        defer { state.isCheckpointRequested = false }
        return (state.isCheckpointRequested && state.sequencer.failure == nil, state.isClosing)
      }
      if isClosing { return }
      guard isRequested else { continue }
      do throws(DatabaseError) {
        try database.checkpoint()
      } catch {
        shared.fail(LogFailure(.write, error.message))
      }
    }
  }
}
