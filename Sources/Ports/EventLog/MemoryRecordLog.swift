import Model
import PartitionCore
import Synchronization

/// The in-memory twin of a log in one sequence: the same order, offsets and groups, with nothing on disk.
///
/// Everything is durable as soon as its group is due, unless a test holds back durability to see what is withheld.
package final class MemoryRecordLog: RecordLog {
  private struct Body: LogBody {
    let record: LogRecord
    var byteCount: Int { 0 }
  }

  private struct State: Sendable {
    var sequencer: RecordSequencer<Body>
    /// By slot: the durable records, from the partition's first kept one on.
    var records: [[LogRecord]]
    var firstOffsets: [Int64]
    var lanes: [any LogLane] = []
    var read: [[ReadEvent]] = []
    var isHeld = false
  }

  private let state: Mutex<State>
  private let partitionCount: Int
  private let limits: LogLimits

  package init(partitionCount: Int, limits: LogLimits = LogLimits()) {
    self.partitionCount = partitionCount
    self.limits = limits
    let slots = partitionCount * Service.allCases.count
    state = Mutex(
      State(
        sequencer: RecordSequencer(partitionCount: partitionCount, limits: limits, durable: 0, nextOffsets: []),
        records: Array(repeating: [], count: slots), firstOffsets: Array(repeating: 0, count: slots)))
  }

  /// Starts over with other lanes, like a process that was killed and restarted.
  package func attach(_ lanes: [any LogLane]) {
    state.withLock { state in
      let ends = state.records.indices.map { state.firstOffsets[$0] + Int64(state.records[$0].count) }
      state.sequencer = RecordSequencer(
        partitionCount: partitionCount, limits: limits, durable: state.sequencer.durable, nextOffsets: ends)
      state.sequencer.attach(laneCount: lanes.count)
      state.lanes = lanes
      state.read = Array(repeating: [], count: lanes.count)
      state.isHeld = false
    }
  }

  package func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int]) {
    change { state in
      for other in others { state.sequencer.expect(other) }
      state.sequencer.append(appends, bodies: appends.map { Body(record: $0.record) }, by: lane)
      return state.sequencer.isGroupFull ? commit(&state) : []
    }
  }

  package func takeConfirmations(of lane: Int) -> [Confirmation] {
    state.withLock { $0.sequencer.takeConfirmations(of: lane) }
  }

  package func turnEnded(by lane: Int) {
    change { state in
      state.sequencer.turnEnded(by: lane)
      return state.sequencer.isGroupDue ? commit(&state) : []
    }
  }

  private func change(_ body: (inout State) -> [Int]) {
    let notified = state.withLock { state in
      body(&state).compactMap { state.lanes.indices.contains($0) ? state.lanes[$0] : nil }
    }
    for lane in notified { lane.logHasNews() }
  }

  /// Makes everything durable; returns the lanes to notify.
  private func commit(_ state: inout State) -> [Int] {
    guard !state.isHeld else { return [] }
    for row in state.sequencer.beginCommit() {
      guard let slot = slot(of: row.partition) else { continue }
      state.records[slot].append(row.body.record)
    }
    return state.sequencer.endCommit()
  }

  private func slot(of partition: PartitionID) -> Int? { partition.slot(of: partitionCount) }

  package func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure) {
    let failure = state.withLock { state -> LogFailure? in
      if let failure = state.sequencer.failure { return failure }
      guard state.read.indices.contains(lane) else {
        return LogFailure(.settings, "the log in memory has no lane \(lane)")
      }
      var events: [ReadEvent] = []
      for (partition, offset) in partitions.sorted(by: { $0.key < $1.key }) {
        guard let slot = slot(of: partition) else {
          return LogFailure(.format, "the log in memory has no partition \(partition)")
        }
        let first = state.firstOffsets[slot]
        let end = first + Int64(state.records[slot].count)
        if offset < first {
          return LogFailure(.trimmed, "the log in memory begins \(partition) with offset \(first)")
        }
        if offset > end { return LogFailure(.format, "the log in memory ends \(partition) before offset \(offset)") }
        for place in offset..<end {
          events.append(.record(state.records[slot][Int(place - first)], offset: place, partition))
        }
        events.append(.ended(partition, end: end))
      }
      state.read[lane] += events
      return nil
    }
    if let failure { throw failure }
    change { _ in [lane] }
  }

  package func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent] {
    var taken: [ReadEvent] = []
    change { state in
      guard state.read.indices.contains(lane) else { return [] }
      taken = state.read[lane].takeFirst(eventsMax)
      return state.read[lane].isEmpty ? [] : [lane]
    }
    return taken
  }

  package func trim(_ partition: PartitionID, through offset: Int64) {
    state.withLock { state in
      guard let slot = slot(of: partition) else { return }
      let (first, count) = (state.firstOffsets[slot], state.records[slot].count)
      guard offset >= first else { return }
      let trimmed = Int(min(offset - first, Int64(count) - 1)) + 1
      state.records[slot].removeFirst(trimmed)
      state.firstOffsets[slot] += Int64(trimmed)
    }
  }

  package var isBacklogged: Bool { state.withLock { $0.sequencer.isBacklogged } }
  package var failure: LogFailure? { state.withLock { $0.sequencer.failure } }
  package func close() { fail(LogFailure(.closed, "the log in memory is closed")) }

  // MARK: For tests

  /// From now on nothing becomes durable, until `releaseDurability`.
  package func holdDurability() { state.withLock { $0.isHeld = true } }

  /// Makes everything appended durable, and later records when their group is due.
  package func releaseDurability() {
    change { state in
      state.isHeld = false
      return commit(&state)
    }
  }

  /// Fails like a log whose disk fails.
  package func fail(_ failure: LogFailure) {
    change { state in
      state.sequencer.fail(failure)
      return Array(state.lanes.indices)
    }
  }

  package func nextOffset(of partition: PartitionID) -> Int64 {
    state.withLock { $0.sequencer.nextOffset(of: partition) }
  }

  /// A partition's durable records that were not trimmed.
  package func records(of partition: PartitionID) -> [LogRecord] {
    state.withLock { state in slot(of: partition).map { state.records[$0] } ?? [] }
  }
}
