import EventLog
import Model
import Synchronization

/// A broker in memory: several pods append to it and read from it, each through a log of its own. Everything is durable
/// at once, and comes back in the order of the partition.
final class MemoryBroker: Sendable {
  private struct State: Sendable {
    var records: [PartitionID: [Record]] = [:]
    var logs: [BrokerLog] = []
  }

  private let state = Mutex(State())

  func connect() -> BrokerLog {
    let log = BrokerLog(self)
    state.withLock { $0.logs.append(log) }
    return log
  }

  fileprivate func append(_ appends: [Append]) {
    let logs = state.withLock { state in
      for append in appends { state.records[append.partition, default: []].append(append.record) }
      return state.logs
    }
    for log in logs { log.arrived(appends.map(\.partition)) }
  }

  func records(of partition: PartitionID, from offset: Int64 = 0) -> ArraySlice<Record> {
    state.withLock { ($0.records[partition] ?? []).dropFirst(Int(offset)) }
  }

  /// Every control that stands in a partition, oldest first.
  func controls(of partition: PartitionID) -> [Control] {
    records(of: partition).flatMap(\.entries).compactMap { entry in
      if case .control(let control) = entry.body { control } else { nil }
    }
  }
}

/// One pod's way to the broker.
final class BrokerLog: SharedLog {
  private struct Cursor: Sendable {
    let owner: any LogOwner
    var next: Int64
    var isPaused = false
  }

  private struct State: Sendable {
    var cursors: [PartitionID: Cursor] = [:]
    var isCut = false
    var isMute = false
    var isOccupied = false
    /// Partitions that break off, and how often still.
    var breaks: [PartitionID: Int] = [:]
    /// What was appended while the pod was cut off: it arrives later.
    var limbo: [[Append]] = []
  }

  private let broker: MemoryBroker
  private let state = Mutex(State())

  init(_ broker: MemoryBroker) { self.broker = broker }

  /// Nothing comes or goes from now on.
  func cutOff() { state.withLock { $0.isCut = true } }

  /// Records come and go, and no question is answered.
  func answerNoQuestions(_ isMute: Bool) { state.withLock { $0.isMute = isMute } }

  /// Would rather get more at once later, or no longer; then the owners look again.
  func occupy(_ isOccupied: Bool) {
    let owners = state.withLock { state in
      state.isOccupied = isOccupied
      return isOccupied ? [] : state.cursors.values.map(\.owner)
    }
    for owner in owners { owner.deliveriesArrived() }
  }

  /// A partition breaks off so many times: at once, and whenever it is subscribed to again.
  func breakOff(_ partition: PartitionID, times: Int = 1) {
    let owner = state.withLock { state in
      state.breaks[partition] = times
      return state.cursors[partition]?.owner
    }
    owner?.deliveriesArrived()
  }

  /// What was appended meanwhile arrives, and everything comes again.
  func heal() {
    let (limbo, owners) = state.withLock { state in
      defer { (state.limbo, state.isCut) = ([], false) }
      return (state.limbo, state.cursors.values.map(\.owner))
    }
    for appends in limbo { broker.append(appends) }
    for owner in owners { owner.deliveriesArrived() }
  }

  func append(_ appends: [Append], by owner: (any LogOwner)?) throws(LogRefusal) -> LogPosition {
    let isCut = state.withLock { state in
      if state.isCut { state.limbo.append(appends) }
      return state.isCut
    }
    if !isCut { broker.append(appends) }
    return .zero
  }

  fileprivate func arrived(_ partitions: [PartitionID]) {
    let owners = state.withLock { state in
      state.isCut ? [] : partitions.compactMap { state.cursors[$0]?.owner }
    }
    for owner in owners { owner.deliveriesArrived() }
  }

  var durable: LogPosition { .zero }
  var failure: LogFailure? { nil }
  func nextOffset(of partition: PartitionID) -> Int64 { Int64(broker.records(of: partition).count) }

  func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds] {
    if state.withLock({ $0.isCut || $0.isMute }) { throw LogFailure(.unreachable, "cut off") }
    return Dictionary(
      uniqueKeysWithValues: partitions.map { ($0, LogBounds(first: 0, next: nextOffset(of: $0))) })
  }

  func subscribe(_ owner: any LogOwner, to partitions: [PartitionID: Int64]) throws(LogFailure) {
    state.withLock { state in
      for (partition, offset) in partitions { state.cursors[partition] = Cursor(owner: owner, next: offset + 1) }
    }
    owner.deliveriesArrived()
  }

  func unsubscribe(_ partitions: [PartitionID]) {
    state.withLock { state in for partition in partitions { state.cursors[partition] = nil } }
  }

  func pause(_ partition: PartitionID) { state.withLock { $0.cursors[partition]?.isPaused = true } }

  func resume(_ partition: PartitionID) {
    let owner = state.withLock { state in
      state.cursors[partition]?.isPaused = false
      return state.cursors[partition]?.owner
    }
    owner?.deliveriesArrived()
  }

  func takeDeliveries(of owner: any LogOwner, recordsMax: Int) -> [Delivery] {
    state.withLock { state in
      guard !state.isCut else { return [] }
      var taken: [Delivery] = []
      for (partition, cursor) in state.cursors where cursor.owner === owner && !cursor.isPaused {
        if let times = state.breaks[partition], times > 0 {
          state.breaks[partition] = times - 1
          // Nothing of it comes behind this.
          state.cursors[partition] = nil
          taken.append(
            Delivery(partition: partition, offset: cursor.next, position: .zero, content: .broken(reason: "a gap")))
          continue
        }
        for record in broker.records(of: partition, from: cursor.next) {
          let offset = state.cursors[partition]?.next ?? 0
          taken.append(
            Delivery(partition: partition, offset: offset, position: .zero, content: .record(record)))
          state.cursors[partition]?.next = offset + 1
        }
      }
      return taken
    }
  }

  func isOccupied(by owner: any LogOwner) -> Bool { state.withLock { $0.isOccupied } }
  func flushHint(by owner: (any LogOwner)?) {}
  func trim(_ partition: PartitionID, through offset: Int64) {}
  func close() {}
}

extension Control {
  func isOwned(_ epoch: UInt64) -> Bool { if case .owned(let owner) = self { owner.epoch == epoch } else { false } }
}
