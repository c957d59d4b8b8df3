import Ports
import Model
import PartitionCore
import Streams
import Synchronization

/// A broker in memory: several pods append to it and read from it, each through a log of its own.
final class MemoryBroker: Sendable {
  private let state = Mutex<[PartitionID: [LogRecord]]>([:])

  func connect() -> BrokerLog { BrokerLog(self) }

  /// Appends a record, whoever writes it. Returns where it stands.
  @discardableResult
  func append(_ record: LogRecord, to partition: PartitionID) -> Int64 {
    state.withLock { state in
      state[partition, default: []].append(record)
      return Int64(state[partition, default: []].count - 1)
    }
  }

  func records(of partition: PartitionID, from offset: Int64 = 0) -> ArraySlice<LogRecord> {
    state.withLock { ($0[partition] ?? []).dropFirst(Int(offset)) }
  }

  func end(of partition: PartitionID) -> Int64 { state.withLock { Int64($0[partition]?.count ?? 0) } }

  /// Every record of a turn that stands in a partition, oldest first.
  func turns(of partition: PartitionID) -> [TurnRecord] {
    records(of: partition).compactMap { if case .turn(let record) = $0 { record } else { nil } }
  }

  /// Every control that stands in a partition, oldest first.
  func controls(of partition: PartitionID) -> [Control] { turns(of: partition).flatMap(\.controls) }

  /// Every owner that announced itself in a partition, oldest first.
  func owners(of partition: PartitionID) -> [OwnerID] {
    records(of: partition).compactMap { if case .owned = $0 { $0.owner } else { nil } }
  }

  /// A producer's repetition: its owner finds its next append elsewhere than it has to be.
  func repeatNewest(of partition: PartitionID) {
    if let newest = records(of: partition).last { append(newest, to: partition) }
  }
}

/// One pod's way to the broker.
final class BrokerLog: SharedRecordLog {
  private struct State: Sendable {
    var lanes: [any LogLane] = []
    var confirmations: [[Confirmation]] = []
    var read: [[ReadEvent]] = []
    var isCut = false
    var isMute = false
    var isHeld = false
    /// Partitions whose reading breaks off, and how often still.
    var breaks: [PartitionID: Int] = [:]
    /// What was appended, and asked for, while the pod was cut off: it arrives later.
    var limbo: [(append: RecordAppend, lane: Int)] = []
    var unread: [(partition: PartitionID, offset: Int64, lane: Int)] = []
  }

  private let broker: MemoryBroker
  private let state = Mutex(State())

  init(_ broker: MemoryBroker) { self.broker = broker }

  // MARK: What a test may do

  /// Nothing comes or goes from now on.
  func cutOff() { state.withLock { $0.isCut = true } }

  /// What was appended meanwhile arrives, and everything comes again.
  func heal() {
    change { state in
      state.isCut = false
      for (append, lane) in state.limbo { write(append, by: lane, &state) }
      for (partition, offset, lane) in state.unread { read(partition, from: offset, by: lane, &state) }
      (state.limbo, state.unread) = ([], [])
    }
  }

  /// Records come and go, and no question is answered.
  func answerNoQuestions(_ isMute: Bool) { state.withLock { $0.isMute = isMute } }

  /// Appends arrive, and nobody is told, until they are released.
  func holdConfirmations(_ isHeld: Bool) { change { $0.isHeld = isHeld } }

  /// The next readings of a partition break off.
  func breakOff(_ partition: PartitionID, times: Int = 1) { state.withLock { $0.breaks[partition] = times } }

  // MARK: RecordLog

  private func change(_ body: (inout State) -> Void) {
    let lanes = state.withLock { state in
      body(&state)
      return state.lanes
    }
    for lane in lanes { lane.logHasNews() }
  }

  private func write(_ append: RecordAppend, by lane: Int, _ state: inout State) {
    let offset = broker.append(append.record, to: append.partition)
    state.confirmations[lane].append(
      Confirmation(
        partition: append.partition, epoch: append.record.owner.epoch, number: append.record.number, offset: offset))
  }

  private func read(_ partition: PartitionID, from offset: Int64, by lane: Int, _ state: inout State) {
    if let times = state.breaks[partition], times > 0 {
      state.breaks[partition] = times - 1
      state.read[lane].append(.broken(partition, reason: "it breaks off at offset \(offset)"))
      return
    }
    let records = broker.records(of: partition, from: offset)
    for (place, record) in records.enumerated() {
      state.read[lane].append(.record(record, offset: offset + Int64(place), partition))
    }
    state.read[lane].append(.ended(partition, end: offset + Int64(records.count)))
  }

  func attach(_ lanes: [any LogLane]) {
    state.withLock { state in
      state.lanes = lanes
      state.confirmations = lanes.map { _ in [] }
      state.read = lanes.map { _ in [] }
    }
  }

  func append(_ appends: [RecordAppend], by lane: Int, expecting others: [Int]) {
    change { state in
      for append in appends {
        if state.isCut { state.limbo.append((append, lane)) } else { write(append, by: lane, &state) }
      }
    }
  }

  func takeConfirmations(of lane: Int) -> [Confirmation] {
    state.withLock { state in
      guard !state.isCut, !state.isHeld else { return [] }
      defer { state.confirmations[lane] = [] }
      return state.confirmations[lane]
    }
  }

  func turnEnded(by lane: Int) {}

  func read(_ partitions: [PartitionID: Int64], by lane: Int) throws(LogFailure) {
    change { state in
      for (partition, offset) in partitions {
        Self.stop(partition, by: lane, &state)
        if state.isCut {
          state.unread.append((partition, offset, lane))
        } else {
          read(partition, from: offset, by: lane, &state)
        }
      }
    }
  }

  func takeRead(of lane: Int, eventsMax: Int) -> [ReadEvent] {
    state.withLock { state in
      guard !state.isCut else { return [] }
      defer { state.read[lane] = [] }
      return state.read[lane]
    }
  }

  private static func stop(_ partition: PartitionID, by lane: Int, _ state: inout State) {
    state.read[lane].removeAll { $0.partition == partition }
    state.unread.removeAll { $0.partition == partition }
  }

  func leave(_ partition: PartitionID, by lane: Int) {
    state.withLock { Self.stop(partition, by: lane, &$0) }
  }

  func readBounds(of partitions: [PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds] {
    if state.withLock({ $0.isCut || $0.isMute }) { throw LogFailure(.unreachable, "cut off") }
    return Dictionary(uniqueKeysWithValues: partitions.map { ($0, LogBounds(first: 0, next: broker.end(of: $0))) })
  }

  func trim(_ partition: PartitionID, through offset: Int64) {}
  var isBacklogged: Bool { false }
  var failure: LogFailure? { nil }
  func close() {}
}
