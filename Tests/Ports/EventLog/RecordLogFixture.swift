import Ports
// Not the one of the module `Testing`.
import struct Ports.Confirmation
import Model
import PartitionCore
import SQLite
import Streams
import Synchronization
import TestSupport
import Testing

/// The logs that have to keep the protocol of records.
enum RecordLogKind: String, CaseIterable, Sendable {
  case memory
  case sqlite
}

/// A log of either kind with lanes and what it needs.
struct RecordLogFixture {
  static let partitionCount = 4
  let log: any RecordLog
  let lanes: [TestLane]
  private let folder: TemporaryFolder?

  init(_ kind: RecordLogKind, lanes count: Int = 2, limits: LogLimits = LogLimits()) throws {
    switch kind {
    case .memory:
      log = MemoryRecordLog(partitionCount: Self.partitionCount, limits: limits)
      folder = nil
    case .sqlite:
      let temporary = try TemporaryFolder()
      let data = try DataFolder(
        path: temporary.path + "/data", partitionCount: Self.partitionCount, files: [LogFile.file])
      var options = SQLiteLog.Options()
      options.limits = limits
      // Everything that is trimmed is gone at once, as in memory.
      options.retention = .recordsMin(0)
      log = try SQLiteLog(folder: data, options: options)
      folder = temporary
    }
    lanes = (0..<count).map { _ in TestLane() }
    log.attach(lanes)
  }

  /// Appends, ends the turn, and waits for the confirmations of all.
  func write(_ appends: [RecordAppend], by lane: Int = 0) -> [Confirmation] {
    log.append(appends, by: lane, expecting: [])
    log.turnEnded(by: lane)
    return confirmations(appends.count, of: lane)
  }

  /// Takes until `count` confirmations came, or a minute is over.
  func confirmations(_ count: Int, of lane: Int = 0) -> [Confirmation] {
    var all: [Confirmation] = []
    _ = eventually {
      all += log.takeConfirmations(of: lane)
      return all.count >= count
    }
    return all
  }

  /// Takes what is read, until `partitions` partitions have ended, or a minute is over.
  func readEvents(_ partitions: Int, of lane: Int = 0, eventsMax: Int = 1_000) -> [ReadEvent] {
    var all: [ReadEvent] = []
    _ = eventually {
      all += log.takeRead(of: lane, eventsMax: eventsMax)
      return all.count { $0.isEnd } >= partitions
    }
    return all
  }
}

/// A lane that counts its wake-ups.
final class TestLane: LogLane {
  private let wakes = Atomic<Int>(0)
  var wakeCount: Int { wakes.load(ordering: .sequentiallyConsistent) }
  func logHasNews() { wakes.add(1, ordering: .sequentiallyConsistent) }
}

/// An append that carries `number`, at least 1.
func logAppend(_ partition: PartitionID, _ number: UInt64) -> RecordAppend {
  let turn = TurnRecord(
    owner: OwnerID(epoch: 1, run: 7), number: number, time: Timestamp(milliseconds: Int64(number)), entries: [])
  return RecordAppend(partition: partition, record: .turn(turn))
}

/// The announcement of an owner.
func ownedAppend(_ partition: PartitionID) throws -> RecordAppend {
  RecordAppend(
    partition: partition, record: .owned(try #require(Owner(epoch: 1, incarnation: 7, address: "here"))))
}

extension Confirmation {
  /// `orders-0@3#17`: the offset, and the record's number; `-` for one that has none or whose offset is unknown.
  var text: String {
    "\(partition)@\(offset.map(String.init) ?? "-")#\(number.map(String.init) ?? "-")"
  }
}

extension ReadEvent {
  var isEnd: Bool {
    if case .ended = self { true } else { false }
  }

  /// `orders-0@3#17`, `orders-0@3#?` for what is no record, `orders-0 ends 4`.
  var text: String {
    switch self {
    case .record(let record, let offset, let partition):
      "\(partition)@\(offset)#\(record.number.map(String.init) ?? "-")"
    case .undecodable(_, let offset, let partition): "\(partition)@\(offset)#?"
    case .ended(let partition, let end): "\(partition) ends \(end)"
    case .broken(let partition, _): "\(partition) broken"
    }
  }
}
