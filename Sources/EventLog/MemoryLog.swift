import Model
import Synchronization

/// The in-memory twin of a log: the same order, offsets, early delivery and refusals, and nothing on a disk.
///
/// Everything is durable at once, unless a test holds durability back to see what is withheld.
public final class MemoryLog: EventLog {
  private struct NoBody: LogBody {
    var byteCount: Int { 0 }
  }

  private struct State: Sendable {
    var sequencer: LogSequencer<NoBody>
    /// By slot: what is durable, from the partition's first kept record on.
    var records: [[Delivery]]
    var firstOffsets: [Int64]
    var isHeld = false
  }

  private let state: Mutex<State>
  private let partitionCount: Int

  public init(partitionCount: Int, limits: LogLimits = LogLimits()) {
    self.partitionCount = partitionCount
    let slots = partitionCount * Service.allCases.count
    state = Mutex(
      State(
        sequencer: LogSequencer(partitionCount: partitionCount, limits: limits, durable: .zero, nextOffsets: []),
        records: Array(repeating: [], count: slots), firstOffsets: Array(repeating: 0, count: slots)))
  }

  public func append(_ appends: [Append], by owner: (any LogOwner)?) throws(LogRefusal) -> LogPosition {
    var wake: [any LogOwner] = []
    var told: [any LogOwner] = []
    let bodies = appends.map { _ in NoBody() }
    let result = state.withLock { state -> Result<LogPosition, LogRefusal> in
      do throws(LogRefusal) {
        let position = try state.sequencer.append(appends, bodies: bodies, by: owner, wake: &wake)
        if !state.isHeld { told = commit(&state) }
        return .success(position)
      } catch {
        return .failure(error)
      }
    }
    for owner in wake { owner.deliveriesArrived() }
    for owner in told { owner.durabilityChanged() }
    return try result.get()
  }

  /// Makes everything durable; returns the owners to be told.
  private func commit(_ state: inout State) -> [any LogOwner] {
    let rows = state.sequencer.beginCommit()
    guard !rows.isEmpty else { return [] }
    for row in rows {
      guard let slot = slot(of: row.delivery.partition) else { continue }
      state.records[slot].append(row.delivery)
    }
    _ = state.sequencer.endCommit()
    return state.sequencer.owners
  }

  private func slot(of partition: PartitionID) -> Int? {
    LogSequencer<NoBody>.slot(of: partition, partitionCount: partitionCount)
  }

  public var durable: LogPosition { state.withLock { $0.sequencer.durable } }
  public func nextOffset(of partition: PartitionID) -> Int64 {
    state.withLock { $0.sequencer.nextOffset(of: partition) ?? 0 }
  }

  public var failure: LogFailure? { state.withLock { $0.sequencer.failure } }

  public func subscribe(_ owner: any LogOwner, to partitions: [PartitionID: Int64]) throws(LogFailure) {
    var wake: [any LogOwner] = []
    let failure = state.withLock { state -> LogFailure? in
      if let failure = state.sequencer.failure { return failure }
      var backlog: [Delivery] = []
      for (partition, offset) in partitions {
        guard let slot = slot(of: partition), let next = state.sequencer.nextOffset(of: partition) else {
          return LogFailure(.format, "the log in memory has no partition \(partition)")
        }
        if offset >= next || offset < -1 {
          return LogFailure(.format, "the log in memory ends \(partition) before offset \(offset)")
        }
        if offset + 1 < state.firstOffsets[slot] {
          return LogFailure(
            .trimmed, "the log in memory begins \(partition) with offset \(state.firstOffsets[slot])")
        }
        backlog += state.records[slot].dropFirst(Int(offset + 1 - state.firstOffsets[slot]))
      }
      backlog.sort { $0.position < $1.position }
      let subscription = state.sequencer.subscribe(owner, to: Array(partitions.keys))
      state.sequencer.deliverCatchUp(backlog, of: subscription, wake: &wake)
      _ = state.sequencer.finishCatchUp(of: subscription, readThrough: state.sequencer.durable, wake: &wake)
      return nil
    }
    if let failure { throw failure }
    for owner in wake { owner.deliveriesArrived() }
  }

  public func unsubscribe(_ partitions: [PartitionID]) {
    state.withLock { state in for partition in partitions { state.sequencer.leave(partition) } }
  }

  public func takeDeliveries(of owner: any LogOwner, recordsMax: Int) -> [Delivery] {
    var wake: [any LogOwner] = []
    let taken = state.withLock { $0.sequencer.take(by: owner, recordsMax: recordsMax, wake: &wake) }
    for owner in wake { owner.deliveriesArrived() }
    return taken
  }

  public func flushHint(by owner: (any LogOwner)?) {
    var wake: [any LogOwner] = []
    state.withLock { $0.sequencer.hint(by: owner, wake: &wake) }
    for owner in wake { owner.deliveriesArrived() }
  }

  public func trim(_ partition: PartitionID, through offset: Int64) {
    state.withLock { state in
      guard let slot = slot(of: partition) else { return }
      let count = min(max(offset + 1 - state.firstOffsets[slot], 0), Int64(state.records[slot].count))
      state.records[slot].removeFirst(Int(count))
      state.firstOffsets[slot] += count
    }
  }

  public func close() {
    fail(LogFailure(.closed, "the log in memory is closed"))
    state.withLock { $0.sequencer.removeOwners() }
  }

  // MARK: For tests

  /// From now on nothing becomes durable, until `releaseDurability`.
  public func holdDurability() { state.withLock { $0.isHeld = true } }

  /// Makes everything durable that was appended, and all that follows at once.
  public func releaseDurability() {
    let told = state.withLock { state in
      state.isHeld = false
      return commit(&state)
    }
    for owner in told { owner.durabilityChanged() }
  }

  /// Fails as a log does whose disk does.
  public func fail(_ failure: LogFailure) {
    let told = state.withLock { state in
      state.sequencer.fail(failure)
      return state.sequencer.owners
    }
    for owner in told { owner.durabilityChanged() }
  }
}
